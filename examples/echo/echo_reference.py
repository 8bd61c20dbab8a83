"""What the echo model must answer, computed without it."""

import hashlib
from collections.abc import Iterable


def expected_line(record: bytes | str) -> str:
    """The answer for one record, given without the line terminator that ends it."""
    data = record.encode() if isinstance(record, str) else record
    return hashlib.sha256(data).hexdigest()[:16]


def expected_lines(records: Iterable[bytes | str]) -> list[str]:
    return [expected_line(record) for record in records]
