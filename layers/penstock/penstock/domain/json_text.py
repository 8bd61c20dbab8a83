"""JSON that others wrote, read within bounds, and written so that it can be stored.

A text is judged twice, when it is sent or collected and when the output is assembled, and the two
must agree: its nesting is bounded by a number of ours, since Python's own limit depends on who
calls. So is what it takes in memory, which can be thirty times its length.
"""

import json
import re
from itertools import accumulate
from typing import Any

from penstock.domain.errors import PermanentError

DEEPEST = 500
"""Levels of nesting: half of Python's recursion limit, and more than most model servers take."""

_MIB = 1024**2
LARGEST = 768 * _MIB
"""Bytes that a text may take once it is read, as `estimated_size` has it."""

# An empty list, a small dictionary, and a value with what points to it, as CPython has them.
_LIST, _OBJECT, _VALUE = 64, 240, 40

_NO_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^][{}"]+', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


def parse(text: str, largest: int = LARGEST) -> Any:
    """The value of a JSON text.

    Raises:
        PermanentError: `InvalidJson`; `TooManyValues` for what would take more than `largest`
            bytes. The message is the second half of a sentence, such as `is nested ...`.
    """
    if estimated_size(text) > largest:
        message = f"holds so many values that they would take more than {largest // _MIB} MiB"
        raise PermanentError("TooManyValues", message)
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} at character {error.pos + 1}"
        raise PermanentError("InvalidJson", message) from error
    except ValueError as error:
        raise PermanentError("InvalidJson", "has a number of too many digits") from error
    if _is_deep(text):
        raise _too_deep()
    return value


def dumps(value: Any) -> bytes:
    """On one line, in UTF-8. Halves of surrogate pairs, which only escapes can spell, stay such."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def estimated_size(text: str) -> int:
    """Bytes that the values of a JSON text take at most, or somewhat more."""
    brackets = text.count("[") * _LIST + text.count("{") * _OBJECT
    return len(text) + brackets + text.count(",") * _VALUE


def _is_deep(text: str) -> bool:
    """Of valid JSON."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    steps = _NO_BRACKETS.sub("", text).encode().translate(_STEPS)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > DEEPEST


def _too_deep() -> PermanentError:
    return PermanentError("InvalidJson", f"is nested more than {DEEPEST} levels deep")
