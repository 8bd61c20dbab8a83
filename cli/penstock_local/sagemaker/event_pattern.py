"""Whether an event matches the pattern of an EventBridge rule. Pure.

EventBridge user guide, `eb-event-patterns`: all fields of the pattern must match, of the values in
a list one must. Operators that are missing here are an error, never a match.
"""

import json
import re
from collections.abc import Callable
from typing import Any

Test = Callable[[Any, Any], bool]


class PatternError(ValueError):
    """A pattern that is wrong, or that this module can't read."""


def matches(pattern: str, event: dict[str, Any]) -> bool:
    """Raises PatternError."""
    try:
        document = json.loads(pattern)
    except ValueError as error:
        raise PatternError("the pattern is no JSON") from error
    return _object(document, event)


def _object(pattern: Any, event: Any) -> bool:
    if not isinstance(pattern, dict):
        raise PatternError("a pattern is a JSON object")
    if "$or" in pattern:
        raise PatternError("$or is not supported")
    return all(_field(wanted, event, name) for name, wanted in pattern.items())


def _field(wanted: Any, event: Any, name: str) -> bool:
    there = isinstance(event, dict) and name in event
    value = event[name] if there else None
    if isinstance(wanted, dict):
        return _object(wanted, value)
    if not isinstance(wanted, list):
        raise PatternError(f"{name}: a list of values is expected")
    # An array in the event matches with any of its elements.
    values = value if isinstance(value, list) else [value]
    return any(_value(choice, item, there=there) for choice in wanted for item in values or [None])


def _value(choice: Any, value: Any, *, there: bool) -> bool:
    if not isinstance(choice, dict):
        return there and _same(choice, value)
    (operator, operand), *others = choice.items()
    if others:
        raise PatternError("one operator at a time is expected")
    if operator == "exists":
        return there is bool(operand)
    test = _OPERATORS.get(operator)
    if test is None:
        raise PatternError(f"the operator {operator} is not supported")
    return there and test(value, operand)


def _same(choice: Any, value: Any) -> bool:
    """1 is not true, though Python thinks so."""
    return bool(choice == value) and isinstance(choice, bool) == isinstance(value, bool)


def _anything_but(value: Any, operand: Any) -> bool:
    if isinstance(operand, dict):
        return not _value(operand, value, there=True)
    excluded = operand if isinstance(operand, list) else [operand]
    return not any(_same(item, value) for item in excluded)


def _text(test: Callable[[str, str], bool]) -> Test:
    def tested(value: Any, operand: Any) -> bool:
        if not isinstance(operand, str):
            raise PatternError("the operand is no string")
        return isinstance(value, str) and test(value, operand)

    return tested


def _wildcard(value: str, operand: str) -> bool:
    return bool(re.fullmatch(".*".join(map(re.escape, operand.split("*"))), value, re.DOTALL))


_OPERATORS: dict[str, Test] = {
    "anything-but": _anything_but,
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    "equals-ignore-case": _text(lambda value, operand: value.lower() == operand.lower()),
    "wildcard": _text(_wildcard),
}
