"""What several chunks of one function want at the same time, done once for all of them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import RLock


@dataclass(frozen=True, slots=True)
class Seldom:
    """Acts at most once in a time for each key. Who comes meanwhile waits until it is done."""

    _next: dict[Hashable, float] = field(default_factory=dict)
    _acting: RLock = field(default_factory=RLock)

    def __call__(
        self, key: Hashable, now: float, seconds: float, act: Callable[[], object]
    ) -> None:
        """If acting fails, the next one tries. `seconds`: until the key's next turn."""
        with self._acting:
            if now >= self._next.get(key, now):
                act()
                self._next[key] = now + seconds
