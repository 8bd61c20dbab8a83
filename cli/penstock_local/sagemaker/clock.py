import time
from collections.abc import Callable


class Clock:
    """Wall time that tests may move forward, so that a six-hour limit needs no six hours."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead = 0.0

    def now(self) -> float:
        return self._source() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
