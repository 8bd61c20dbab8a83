"""Counts since the start of the server."""

from collections import Counter, defaultdict

ACCEPTED = "accepted"
MODEL_INVOCATIONS = "model_invocations"
COMPLETED = "completed"
FAILED = "failed"
EXPIRED = "expired"
THROTTLED = "throttled"
COLD_STARTS = "cold_starts"
NOTIFICATIONS_SENT = "notifications_sent"
NOTIFICATION_FAILURES = "notification_failures"
_COUNTS = (
    ACCEPTED,
    MODEL_INVOCATIONS,
    COMPLETED,
    FAILED,
    EXPIRED,
    THROTTLED,
    COLD_STARTS,
    NOTIFICATIONS_SENT,
    NOTIFICATION_FAILURES,
)


class Stats:
    def __init__(self) -> None:
        self._operations: Counter[str] = Counter()
        self._endpoints: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def request(self, operation: str) -> None:
        self._operations[operation] += 1

    def count(self, endpoint: str, what: str) -> None:
        self._endpoints[endpoint][what] += 1

    def operations(self) -> dict[str, int]:
        return dict(self._operations)

    def endpoint_names(self) -> set[str]:
        return set(self._endpoints)

    def endpoint(self, name: str) -> dict[str, int]:
        return {what: self._endpoints[name][what] for what in _COUNTS}
