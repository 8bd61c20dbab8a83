"""How often an operation may be called in a second. Pure but for the clock."""

from collections import defaultdict, deque

from penstock_local.sagemaker.clock import Clock
from penstock_local.sagemaker.errors import ApiError

_SECOND = 1.0


class Rates:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def check(self, operation: str, per_second: float) -> None:
        """Counts the call. Raises ApiError, uncounted, if there were too many in the last second.

        <https://github.com/facebookresearch/dynabench/issues/482> has the words.
        """
        now, calls = self._clock.now(), self._calls[operation]
        while calls and calls[0] <= now - _SECOND:
            calls.popleft()
        if len(calls) >= per_second:
            raise ApiError("ThrottlingException", "Rate exceeded")
        calls.append(now)
