"""The operators of JSONPath that Batch Transform supports. Pure.

Guide, `batch-transform-data-processing`. Slices with an end are refused: the guide's text counts
the end in, the library that its table of operators refers to leaves it out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class JsonPathError(ValueError):
    """An expression that is wrong, or that there is no support for."""


class NotFoundError(ValueError):
    """The value has nothing at the path."""


@dataclass(frozen=True)
class Names:
    """`.a`, `['a']` or `['a','b']`."""

    names: tuple[str, ...]

    def of(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise NotFoundError(f"{value!r} is no JSON object")
        missing = [name for name in self.names if name not in value]
        if missing:
            raise NotFoundError(f"there is no attribute {missing[0]!r}")
        if len(self.names) == 1:
            return value[self.names[0]]
        return {name: value[name] for name in self.names}


@dataclass(frozen=True)
class Indexes:
    """`[0]`, `[0,-1]`, `[2:]` or `[0,5:]`: an int is an index, a slice has no end."""

    parts: tuple[int | slice, ...]

    def of(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise NotFoundError(f"{value!r} is no JSON array")
        if len(self.parts) == 1 and isinstance(self.parts[0], int):
            return _item(value, self.parts[0])
        chosen: list[Any] = []
        for part in self.parts:
            chosen += value[part] if isinstance(part, slice) else [_item(value, part)]
        return chosen


@dataclass(frozen=True)
class Wildcard:
    """`.*` or `[*]`."""

    def of(self, value: Any) -> Any:
        if isinstance(value, dict):
            return list(value.values())
        if isinstance(value, list):
            return value
        raise NotFoundError(f"{value!r} is neither a JSON object nor an array")


Step = Names | Indexes | Wildcard


@dataclass(frozen=True)
class JsonPath:
    steps: tuple[Step, ...]

    @property
    def is_root(self) -> bool:
        return not self.steps

    @property
    def is_for_rows(self) -> bool:
        """Whether it can be applied to a row of CSV, which "is taken as a JSON array"."""
        return all(isinstance(step, Indexes) for step in self.steps) and len(self.steps) <= 1

    def of(self, value: Any) -> Any:
        """Raises NotFoundError."""
        return _of(value, self.steps)


def _of(value: Any, steps: Sequence[Step]) -> Any:
    if not steps:
        return value
    step, *others = steps
    found = step.of(value)
    if isinstance(step, Wildcard):
        return [_of(item, others) for item in found]
    return _of(found, others)


def _item(value: list[Any], index: int) -> Any:
    try:
        return value[index]
    except IndexError as error:
        raise NotFoundError(f"there is no element {index} among {len(value)}") from error


_NAME = r"[^.\[\]'\"*,:?()@$\s]+"
_QUOTED = r"(?:'[^']*'|\"[^\"]*\")"
_PART = r"-?\d+:?|:"
_STEP = re.compile(
    rf"\.(?P<name>{_NAME})"
    rf"|\.?\[\s*(?P<names>{_QUOTED}(?:\s*,\s*{_QUOTED})*)\s*\]"
    rf"|\[\s*(?P<parts>(?:{_PART})(?:\s*,\s*(?:{_PART}))*)\s*\]"
    r"|(?P<wildcard>\.\*|\[\*\])"
)
_BOUNDED_SLICE = re.compile(r"\[[^\]'\"]*:-?\d")


def parse(expression: str) -> JsonPath:
    """Raises JsonPathError."""
    if not expression.startswith("$"):
        raise JsonPathError(f"{expression} does not begin with $")
    steps, position = [], 1
    while position < len(expression):
        found = _STEP.match(expression, position)
        if not found:
            raise JsonPathError(_complaint(expression, position))
        steps.append(_step(found))
        position = found.end()
    if any(_selects_several(step) for step in steps[:-1]):
        raise JsonPathError(f"{expression}: nothing may follow a choice of several children")
    return JsonPath(tuple(steps))


def _step(found: re.Match[str]) -> Step:
    if name := found["name"]:
        return Names((name,))
    if names := found["names"]:
        return Names(tuple(quoted[1:-1] for quoted in re.findall(_QUOTED, names)))
    if parts := found["parts"]:
        return Indexes(tuple(_index(part.strip()) for part in parts.split(",")))
    return Wildcard()


def _index(part: str) -> int | slice:
    if part.endswith(":"):
        return slice(int(part[:-1]) if part[:-1] else None, None)
    return int(part)


def _selects_several(step: Step) -> bool:
    if isinstance(step, Names):
        return len(step.names) > 1
    if isinstance(step, Indexes):
        return len(step.parts) > 1 or isinstance(step.parts[0], slice)
    return False


def _complaint(expression: str, position: int) -> str:
    if _BOUNDED_SLICE.match(expression, position):
        return (
            f"{expression}: a slice with an end is not supported, because the documentation "
            "contradicts itself on whether it includes the end. List the indexes instead."
        )
    return f"{expression}: {expression[position:]} is no operator that Batch Transform supports"
