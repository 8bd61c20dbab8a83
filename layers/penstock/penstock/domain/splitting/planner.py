"""Greedy grouping of records into chunks, from lines that arrive block by block."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from penstock.domain.splitting.fills import BlankRule
from penstock.domain.splitting.lines import BlockLines
from penstock.domain.splitting.model import ByteRange, ChunkLimits, Fill, State


class ChunkPlanner:
    """Blank lines between two chunks are in neither.

    `line_start` is where the current line starts: None until a line has ended.
    """

    def __init__(self, limits: ChunkLimits, rule: BlankRule) -> None:
        self._limits = limits
        self._rule = rule
        self.cuts = array("Q")  # start, end, number of records; for each chunk
        self.records = 0
        self.head = Fill.EMPTY
        self.tail = Fill.EMPTY
        self.first_boundary: int | None = None
        self.line_start: int | None = None
        self.first_record: ByteRange | None = None
        self._start = self._end = self._held = 0
        self._room = limits.max_records

    def begin_at(self, offset: int, *, set_header_apart: bool) -> None:
        """The first record starts at `offset`, and gets a chunk of its own if it is a header."""
        self.first_boundary = self.line_start = offset
        if set_header_apart:
            self._room = 1

    def take(self, base: int, lines: BlockLines) -> None:
        """`base` is where the block of these lines starts."""
        rows = lines.rows
        fill = self._rule.joined(self.tail, self._rule.fill_of(rows[0]))
        if lines.count:
            self._take_lines(base, lines, fill)
            fill = self._rule.fill_of(rows[-1])
        self.tail = fill

    def end_of_file(self, offset: int) -> None:
        """Ends the last line, if there is anything in it."""
        if self.tail is not Fill.EMPTY:
            line_end = BlockLines(size=0, text=b"", rows=[b"", b""], exit=State.START)
            self.take(offset, line_end)

    def close(self) -> None:
        """Ends the chunk that is being filled."""
        if self._held:
            self.cuts.extend((self._start, self._end, self._held))
        self._held = 0
        self._room = self._limits.max_records

    @property
    def boundaries(self) -> ByteRange | None:
        if self.first_boundary is None or self.line_start is None:
            return None
        return ByteRange(self.first_boundary, self.line_start)

    def equals(self, other: "ChunkPlanner") -> bool:
        """The same past, and whatever follows has the same effect on both."""
        return self.position() == other.position() and self.cuts == other.cuts

    def position(self) -> tuple[object, ...]:
        held = (self._start, self._end, self._held) if self._held else None
        border = (self.head, self.tail, self.first_boundary, self.line_start, self.first_record)
        return (len(self.cuts), held, self._room, *border)

    def _take_lines(self, base: int, lines: BlockLines, first: Fill) -> None:
        at, start = 0, self.line_start
        if start is None:
            self.head = first
            self.first_boundary = base + lines.end(0)
        if start is None or first in self._rule.blank:
            at, start = 1, base + lines.end(0)
        for run in _runs_of_records(at, lines):
            run_start = start if run.start == at else base + lines.ends[run.start - 1]
            self._take_run(base, lines, run_start, run)
        self.line_start = base + lines.end(lines.count - 1)

    def _take_run(self, base: int, lines: BlockLines, start: int, run: range) -> None:
        """The lines of `run` are records with nothing between them, from `start` on."""
        at = run.start
        if self.first_record is None:
            self.first_record = ByteRange(start, base + lines.end(at))
        while at < run.stop:
            if not self._held:
                self._start = start
            reach = min(run.stop, at + self._room)
            end = base + lines.end(reach - 1)
            if end - self._start > self._limits.max_bytes:
                reach = self._reach(base, lines, at, reach)
                end = base + lines.end(reach - 1) if reach > at else start
            self._extend(reach - at, end)
            if reach < run.stop:
                self.close()
            at, start = reach, end

    def _reach(self, base: int, lines: BlockLines, at: int, stop: int) -> int:
        """Up to which line the open chunk has room in bytes. An empty one takes any line."""
        limit = self._start + self._limits.max_bytes - base
        reach = bisect_right(lines.ends, limit, at, stop)
        return max(reach, at + 1) if not self._held else reach

    def _extend(self, records: int, end: int) -> None:
        if not records:
            return
        self.records += records
        self._held += records
        self._room -= records
        self._end = end
        if not self._room:
            self.close()


def _runs_of_records(at: int, lines: BlockLines) -> Iterator[range]:
    """The lines from `at` on that blank lines do not separate."""
    for blank in lines.blanks:
        if blank > at:
            yield range(at, blank)
        at = blank + 1
    if at < lines.count:
        yield range(at, lines.count)
