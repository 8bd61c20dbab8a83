"""Which models a container holds, which of them are in use, and which has to go first. Pure."""

import contextlib
from collections import Counter
from collections.abc import Iterator


class LoadedModels:
    def __init__(self) -> None:
        self._names: dict[str, None] = {}  # the least recently used first
        self._in_use: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def add(self, name: str) -> None:
        """Loaded, or used again."""
        self._names.pop(name, None)
        self._names[name] = None

    def discard(self, name: str) -> None:
        self._names.pop(name, None)

    def clear(self) -> None:
        self._names.clear()

    def take_victim(self) -> str | None:
        """Removes the least recently used model that nobody uses; None if there is none."""
        unused = (name for name in self._names if not self._in_use[name])
        victim = next(unused, None)
        if victim:
            del self._names[victim]
        return victim

    def is_in_use(self, name: str) -> bool:
        return self._in_use[name] > 0

    @contextlib.contextmanager
    def using(self, name: str) -> Iterator[None]:
        self._in_use[name] += 1
        try:
            yield
        finally:
            self._in_use[name] -= 1
