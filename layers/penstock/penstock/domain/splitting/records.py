"""Records of bytes that are in memory: one chunk, a model's answer, or a small file."""

from itertools import pairwise
from typing import NamedTuple

from penstock.domain.splitting.chunks import chunks_of
from penstock.domain.splitting.fills import BLANK_RULES
from penstock.domain.splitting.lines import blocks_of, line_reader
from penstock.domain.splitting.model import Chunk, ChunkLimits, Dialect, Format, State
from penstock.domain.splitting.regions import plan_regions
from penstock.domain.splitting.resolve import Resolution, resolve
from penstock.domain.splitting.scan import RegionScanner


def split_records(data: bytes, dialect: Dialect) -> list[bytes]:
    r"""The records without their line ends, as the scanner tells them apart in a whole file.

    `data` starts with a record: no byte order mark, and `has_header` has no effect. A quote that is
    left open at the end is closed there.
    """
    rule = BLANK_RULES[dialect.format]
    # A line that begins with more than white space needs no closer look.
    records = [
        line
        for line in _lines(data, dialect)
        if line[:1] > b" " or rule.fill_of(line) not in rule.blank
    ]
    return [record.removesuffix(b"\r") for record in records] if b"\r" in data else records


def find_record_fault(record: bytes, dialect: Dialect) -> str | None:
    """Why the bytes, without a line end, are not one record; None if they are.

    The second half of a sentence that begins with them.
    """
    rule = BLANK_RULES[dialect.format]
    if rule.fill_of(record) in rule.blank:
        return "holds no record"
    lines = line_reader(dialect)(record, State.START)
    if lines.count:
        return "has a line end that ends the record"
    return "has a quote that is never closed" if lines.exit is State.QUOTED else None


def _lines(data: bytes, dialect: Dialect) -> list[bytes]:
    if dialect.format is Format.CSV and b'"' in data:
        borders = _borders(data, dialect)
        lines = [data[start : end - 1] for start, end in pairwise(borders)]
        rest = data[borders[-1] :].removesuffix(b"\n")  # all of it data, if a quote is open
        return [*lines, rest] if borders[-1] < len(data) else lines
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _borders(data: bytes, dialect: Dialect) -> list[int]:
    read_lines = line_reader(dialect)
    state, base, borders = State.START, 0, [0]
    for block in blocks_of(data):
        lines = read_lines(block, state)
        borders += [base + end for end in lines.ends]
        state = lines.exit
        base += len(block)
    return borders


class SplitBytes(NamedTuple):
    resolution: Resolution
    chunks: list[Chunk]


def split_bytes(
    data: bytes, dialect: Dialect, limits: ChunkLimits, region_bytes: int = 64 * 1024 * 1024
) -> SplitBytes:
    """Both phases in memory, for tests and tools."""
    scans = []
    for region in plan_regions(len(data), region_bytes):
        scanner = RegionScanner(dialect, limits, region, len(data))
        scanner.feed(data[region.start : region.end])
        scans.append(scanner.finish())
    resolution = resolve([scan.summary() for scan in scans], dialect, len(data))
    chunks = [
        chunk
        for scan, resolved in zip(scans, resolution.regions, strict=True)
        for chunk in chunks_of(resolved, scan.plan(resolved.entry))
    ]
    return SplitBytes(resolution, chunks)
