"""Numbers as people read them."""

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """With the two units that matter: 4.2s, 42s, 3m 20s, 2h 05m, 3d 4h."""
    if round(seconds, 1) < 10:  # noqa: PLR2004
        return f"{max(0.0, seconds):.1f}s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR}h"


def age(seconds: float) -> str:
    """With the one unit that matters."""
    whole = max(0, int(seconds))
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if whole >= 2 * length:
            return f"{whole // length}{unit} ago"
    return f"{whole}s ago"


def size(count: int) -> str:
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def moment(seconds: float) -> str:
    """In the reader's time zone."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
