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
"""Bytes that the values of a text may take."""

# An empty list, a small dictionary, and a value with what points to it, as CPython has them.
_LIST, _OBJECT, _VALUE = 64, 240, 40

_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_REST = bytes(set(range(256)) - set(b'[]{},"'))


def parse(text: str, largest: int = LARGEST) -> Any:
    """The value of a JSON text.

    Raises:
        PermanentError: `InvalidJson`; `TooManyValues` for what would take more than `largest`
            bytes. The message is the second half of a sentence, such as `is nested ...`.
    """
    if _size(text) > largest and len(text) + _size(_structure(text).decode()) > largest:
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


def _size(text: str) -> int:
    """Bytes that the values of a JSON text take at most, or somewhat more."""
    brackets = text.count("[") * _LIST + text.count("{") * _OBJECT
    return len(text) + brackets + text.count(",") * _VALUE


def _is_deep(text: str) -> bool:
    """Of valid JSON."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    steps = memoryview(_structure(text).translate(_STEPS, b",")).cast("b")
    return max(accumulate(steps), default=0) > DEEPEST


def _structure(text: str) -> bytes:
    """Brackets and commas outside of texts.

    With what `bytes` does by itself, since this is on the way of every record: texts without any
    of these, nearly all, shrink to two quotes. Where a text that has some comes before another, the
    quotes between them go, and the two are one: that changes nothing.
    """
    unescaped = text.replace("\\\\", "").replace('\\"', "")
    bare = unescaped.encode("utf-8", "replace").translate(None, _REST).replace(b'""', b"")
    return re.sub(rb'"[^"]*+"', b"", bare) if b'"' in bare else bare


def _too_deep() -> PermanentError:
    return PermanentError("InvalidJson", f"is nested more than {DEEPEST} levels deep")
