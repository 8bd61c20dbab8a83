"""Faults on order: which rule strikes which request. No I/O; the random source is seeded."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, get_type_hints

API_FAULTS = frozenset(
    {
        "throttle",
        "access_denied",
        "internal_failure",
        "service_unavailable",
        "internal_dependency",
        "model_not_ready",
        "hang",
        "lost_answer",
    }
)
MODEL_FAULTS = frozenset({"model_error", "model_timeout", "slow_model"})
NOTIFICATION_FAULTS = frozenset(
    {
        "lost_notification",
        "duplicate_notification",
        "delayed_notification",
        "reordered_notification",
    }
)
# The same for the events of transform jobs.
EVENT_FAULTS = frozenset({"lost_event", "duplicate_event", "delayed_event", "reordered_event"})
_ALL = API_FAULTS | MODEL_FAULTS | NOTIFICATION_FAULTS | EVENT_FAULTS
_EVERY_ENDPOINT = "*"


class FaultRuleError(ValueError):
    """A rule that can't be meant; the message names the rule and the member."""


@dataclass(frozen=True)
class FaultRule:
    """One kind of fault, and how often it strikes.

    `endpoint` may hold the wildcards of a shell. `operation` None: every invoke operation; the
    operations of the control plane are struck only by rules that name them. `times` None: no limit.
    `seconds` belongs to what is slow, delayed or hangs, `status` to throttle and model_error,
    `body` to model_error, `count` (extra copies) to duplicates.
    """

    fault: str
    endpoint: str = _EVERY_ENDPOINT
    operation: str | None = None
    probability: float = 1.0
    times: int | None = None
    seconds: float = 0.0
    status: int | None = None
    body: str = "injected model error"
    count: int = 1


_NUMBERS: dict[str, tuple[float, float]] = {
    "probability": (0, 1),
    "times": (1, float("inf")),
    "seconds": (0, float("inf")),
    "status": (300, 599),
    "count": (1, 100),
}
_NAMES = {known.name for known in fields(FaultRule)}
_HINTS = get_type_hints(FaultRule)


def parse_rules(document: Any) -> list[FaultRule]:
    """Raises FaultRuleError."""
    if not isinstance(document, list):
        raise FaultRuleError("the body must be a JSON list of rules")
    return [_parse_rule(number, item) for number, item in enumerate(document)]


def _parse_rule(number: int, item: Any) -> FaultRule:
    if not isinstance(item, dict) or item.get("fault") not in _ALL:
        raise FaultRuleError(f"rule {number}: fault must be one of {', '.join(sorted(_ALL))}")
    if unknown := set(item) - _NAMES:
        raise FaultRuleError(f"rule {number}: unknown members {', '.join(sorted(unknown))}")
    for name, value in item.items():
        _check_member(number, name, value)
    return FaultRule(**item)


def _check_member(number: int, name: str, value: Any) -> None:
    if not isinstance(value, _accepted(name)) or isinstance(value, bool):
        raise FaultRuleError(f"rule {number}: {name} is of the wrong type")
    if name in _NUMBERS and value is not None:
        low, high = _NUMBERS[name]
        if not low <= value <= high:
            raise FaultRuleError(f"rule {number}: {name} must lie in {low}..{high}")


def _accepted(name: str) -> Any:
    return (int, float) if _HINTS[name] is float else _HINTS[name]


@dataclass
class _Armed:
    rule: FaultRule
    chance: random.Random
    struck: int = 0

    def strikes(self, endpoint: str) -> bool:
        if not fnmatchcase(endpoint, self.rule.endpoint):
            return False
        if self.rule.times is not None and self.struck >= self.rule.times:
            return False
        if self.chance.random() >= self.rule.probability:
            return False
        self.struck += 1
        return True


@dataclass
class FaultBook:
    """The rules in force, each with a random source of its own: they don't disturb each other."""

    _armed: list[_Armed] = field(default_factory=list)

    def replace(self, rules: list[FaultRule], seed: int = 0) -> None:
        self._armed = [
            _Armed(rule, random.Random(f"{seed}/{number}"))  # noqa: S311 - repeatable on purpose
            for number, rule in enumerate(rules)
        ]

    def draw(self, endpoint: str, among: frozenset[str]) -> list[FaultRule]:
        """The rules that strike now, in their order; drawing counts against `times`."""
        return [armed.rule for armed in self._of(among) if armed.strikes(endpoint)]

    def draw_one(self, endpoint: str, among: frozenset[str]) -> FaultRule | None:
        """The first rule that strikes; the later ones aren't drawn."""
        struck = (armed.rule for armed in self._of(among) if armed.strikes(endpoint))
        return next(struck, None)

    def draw_for_operation(self, name: str, operation: str, *, named: bool) -> FaultRule | None:
        """The API fault of one call. `named`: only rules that name the operation strike it."""
        operations = (operation,) if named else (operation, None)
        struck = (
            armed.rule
            for armed in self._of(API_FAULTS)
            if armed.rule.operation in operations and armed.strikes(name)
        )
        return next(struck, None)

    def _of(self, among: frozenset[str]) -> Iterator[_Armed]:
        return (armed for armed in self._armed if armed.rule.fault in among)

    def report(self) -> list[dict[str, Any]]:
        return [{**vars(armed.rule), "struck": armed.struck} for armed in self._armed]
