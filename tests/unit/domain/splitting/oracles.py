"""Splitting the plain way: byte by byte, in one piece. What the product must agree with."""

import csv
import io
import re

from penstock.domain.splitting import Dialect, Format
from tests.strategies import BOM

# csv.reader refuses a \r that ends no line; to us it is data like any other byte.
_LONE_RETURN = re.compile(rb"\r(?!\n|\Z)")


def rows_of(data: bytes, delimiter: str = ",") -> list[list[str]]:
    """What csv.reader makes of the data, without empty rows."""
    text = _LONE_RETURN.sub(b"\x01", data).decode("latin-1")
    return [row for row in csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter) if row]


def data_start(data: bytes) -> int:
    return len(BOM) if data.startswith(BOM) else 0


def line_ranges(data: bytes, dialect: Dialect) -> tuple[list[tuple[int, int]], bool]:
    """Start and end of each line, and whether the last one ends within quotes."""
    ranges = []
    start, state = data_start(data), "start"
    for at in range(start, len(data)):
        state = _step(state, data[at : at + 1], dialect)
        if state == "line end":
            ranges.append((start, at + 1))
            start, state = at + 1, "start"
    if start < len(data):
        ranges.append((start, len(data)))
    return ranges, state == "quoted"


def _step(state: str, byte: bytes, dialect: Dialect) -> str:
    if byte == b"\n" and state != "quoted":
        return "line end"
    if dialect.format is not Format.CSV:
        return "start"
    if byte == b'"':
        opened = {"start": "quoted", "closing": "quoted", "quoted": "closing", "plain": "plain"}
        return opened[state]
    if state == "quoted":
        return state
    return "start" if byte == dialect.delimiter.encode() else "plain"


def is_record(line: bytes, dialect: Dialect) -> bool:
    bare = line.removesuffix(b"\n")
    if dialect.format is Format.CSV:
        return bare not in (b"", b"\r")
    return dialect.format is Format.TEXT or bool(bare.strip(b" \t\r"))


def record_ranges(data: bytes, dialect: Dialect) -> tuple[list[tuple[int, int]], bool]:
    lines, is_open = line_ranges(data, dialect)
    return [(a, b) for a, b in lines if is_record(data[a:b], dialect)], is_open


def greedy_chunks(
    ranges: list[tuple[int, int]], max_records: int, max_bytes: int
) -> list[tuple[int, int, int]]:
    chunks: list[tuple[int, int, int]] = []
    for start, end in ranges:
        if chunks and chunks[-1][2] < max_records and end - chunks[-1][0] <= max_bytes:
            chunks[-1] = (chunks[-1][0], end, chunks[-1][2] + 1)
        else:
            chunks.append((start, end, 1))
    return chunks
