"""Durations and sizes as people write them: `15m`, `4MiB`."""

import re

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KIB": 1024,
    "MIB": 1024**2,
    "GIB": 1024**3,
}
_LONGEST_NUMBER = 100  # digits; far below the 309 where a float ends
_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*\Z")


def parse_duration(text: str | float) -> float:
    """Seconds of `250ms`, `2s`, `15m`, `6h`, `1d`, or of a bare number of seconds.

    Raises:
        ValueError: anything else.
    """
    number, unit = _parse(text)
    seconds = _SECONDS.get(unit or "s")
    if seconds is None:
        raise ValueError(f"{text!r} is not a duration; write for example 30s, 15m or 6h")
    return number * seconds


def parse_size(text: str | float) -> int:
    """Bytes of `4MiB`, `100KB`, or of a bare number of bytes.

    Raises:
        ValueError: anything else.
    """
    number, unit = _parse(text)
    factor = _BYTES.get(unit.upper())
    if factor is None:
        raise ValueError(f"{text!r} is not a size; write for example 64KB or 4MiB")
    return int(number * factor)


def _parse(text: str | float) -> tuple[float, str]:
    match = _QUANTITY.match(str(text))
    if match is None or len(match[1]) > _LONGEST_NUMBER:
        raise ValueError(f"{text!r:.80} is not a number with a unit")
    return float(match[1]), match[2]
