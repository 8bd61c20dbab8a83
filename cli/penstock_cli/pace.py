"""How fast records get done, and how long the rest will take."""

from collections import deque

from penstock_cli.progress import Progress

WINDOW = 60.0
"""Seconds that the rate is measured over: chunks end in bursts, jobs change their speed."""


class Pace:
    """Fed with what was seen when; times are seconds of any clock that runs evenly."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, now: float, seen: Progress) -> None:
        if seen.records_total is None:
            return  # splitting says nothing about the speed of the model
        self._seen.append((now, seen.records_done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW:  # noqa: PLR2004
            self._seen.popleft()

    @property
    def records_per_second(self) -> float:
        if not self._seen:
            return 0.0
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def seconds_left(self, seen: Progress) -> float | None:
        rate = self.records_per_second
        if seen.records_total is None or rate <= 0:
            return None
        return (seen.records_total - seen.records_done) / rate
