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
    """By operation, and by the name of an endpoint or of a transform job."""

    def __init__(self) -> None:
        self._operations: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._named: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def request(self, operation: str) -> None:
        self._operations[operation] += 1

    def error(self, code: str) -> None:
        self._errors[code] += 1

    def count(self, name: str, what: str) -> None:
        self._named[name][what] += 1

    def operations(self) -> dict[str, int]:
        return dict(self._operations)

    def errors(self) -> dict[str, int]:
        return dict(self._errors)

    def names(self) -> set[str]:
        return set(self._named)

    def of(self, name: str) -> dict[str, int]:
        return {what: self._named[name][what] for what in _COUNTS}
