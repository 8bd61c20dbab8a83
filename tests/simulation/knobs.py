"""The product's limits turned down, and its threads taken away, for the time of one run.

This is the one place where the product's own names are replaced: a fan-in tree of three levels
takes 65,537 chunks, a composed object 16 MiB, and a simulation has tens of records. The code that
works with the limits is the real one. Thread pools do their work at once, in order, so that a
seed always gives the same run.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self


class InOrder:
    """ThreadPoolExecutor without threads."""

    def __init__(self, _workers: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Callable[[Any], Any], *items: Iterable[Any]) -> Iterator[Any]:
        return iter([work(*each) for each in zip(*items, strict=True)])


@contextmanager
def turned(knobs: dict[str, int]) -> Iterator[None]:
    with replaced(knobs | {"ThreadPoolExecutor": InOrder}):
        yield


@contextmanager
def replaced(names: dict[str, Any]) -> Iterator[None]:
    """Gives the names other values in each module of the product that has them."""
    places = [
        (module, name)
        for path, module in sorted(sys.modules.items())
        if path.startswith("penstock.") and not path.startswith("penstock.adapters")
        for name in names
        if name in vars(module)
    ]
    before = [(module, name, vars(module)[name]) for module, name in places]
    for module, name in places:
        setattr(module, name, names[name])
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
