"""The first phase: one region, read once, under every hypothesis about how it is entered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from penstock.domain.splitting.fills import BLANK_RULES
from penstock.domain.splitting.lines import BlockLines, blocks_of, line_reader
from penstock.domain.splitting.model import BOM, ByteRange, ChunkLimits, Dialect, Format, State
from penstock.domain.splitting.planner import ChunkPlanner
from penstock.domain.splitting.summary import Passage, Plan, RegionScan


@dataclass(slots=True)
class _Hypothesis:
    """Entry states that have led to the same state and the same plan are one hypothesis."""

    entries: list[State]
    state: State
    planner: ChunkPlanner = field(repr=False)


class RegionScanner:
    """Feed it the region's bytes in order, in blocks of any size; the result is the same.

    Memory: one block and the cut points found so far, however long a record is.
    """

    def __init__(
        self, dialect: Dialect, limits: ChunkLimits, region: ByteRange, file_size: int
    ) -> None:
        if 0 < region.start < len(BOM) or region.end < min(file_size, len(BOM)):
            raise ValueError(f"{region} may cut a byte order mark in two: use plan_regions")
        if region.end > file_size:
            raise ValueError(f"{region} goes beyond a file of {file_size} bytes")
        self._region = region
        self._file_size = file_size
        self._read_lines = line_reader(dialect)
        self._offset = region.start
        self._opening = b""  # the file's first bytes, while they may be a byte order mark
        self._past_opening = region.start > 0
        self._hypotheses = [
            _Hypothesis([state], state, ChunkPlanner(limits, BLANK_RULES[dialect.format]))
            for state in _entry_states(dialect, region)
        ]
        self._has_header = dialect.has_header

    def feed(self, block: bytes) -> None:
        if not self._past_opening:
            block = self._without_mark(block)
        self._scan(block)

    def finish(self) -> RegionScan:
        """Raises ValueError if it was not fed exactly the region's bytes."""
        if not self._past_opening:
            self._scan(self._begin_file(self._opening))
        if self._offset != self._region.end:
            raise ValueError(f"fed up to {self._offset} of {self._region}")
        for hypothesis in self._hypotheses:
            self._conclude(hypothesis)
        passages = tuple(_passage(hypothesis) for hypothesis in self._hypotheses)
        plans = tuple(Plan(hypothesis.planner.cuts) for hypothesis in self._hypotheses)
        return RegionScan(self._region, passages, plans)

    def _without_mark(self, block: bytes) -> bytes:
        self._opening += block
        if len(self._opening) < len(BOM) and BOM.startswith(self._opening):
            return b""
        opening, self._opening = self._opening, b""
        return self._begin_file(opening)

    def _begin_file(self, opening: bytes) -> bytes:
        self._past_opening = True
        rest = opening.removeprefix(BOM)
        self._offset = len(opening) - len(rest)
        self._hypotheses[0].planner.begin_at(self._offset, set_header_apart=self._has_header)
        return rest

    def _scan(self, bytes_fed: bytes) -> None:
        for block in blocks_of(bytes_fed):
            self._scan_block(block)

    def _scan_block(self, block: bytes) -> None:
        seen: dict[State, BlockLines] = {}
        for hypothesis in self._hypotheses:
            entry = hypothesis.state
            if entry not in seen:
                seen[entry] = self._read_lines(block, entry)
            hypothesis.planner.take(self._offset, seen[entry])
            hypothesis.state = seen[entry].exit
        self._offset += len(block)
        if len(self._hypotheses) > 1:
            self._hypotheses = list(_merged(self._hypotheses))

    def _conclude(self, hypothesis: _Hypothesis) -> None:
        # Within quotes the end of the file ends no record: resolve reports that one.
        if self._region.end == self._file_size and hypothesis.state is not State.QUOTED:
            hypothesis.planner.end_of_file(self._file_size)
        hypothesis.planner.close()


def _entry_states(dialect: Dialect, region: ByteRange) -> Iterable[State]:
    if region.start == 0 or dialect.format is not Format.CSV:
        return (State.START,)
    return State


def _merged(hypotheses: Iterable[_Hypothesis]) -> Iterator[_Hypothesis]:
    kept: list[_Hypothesis] = []
    for one in hypotheses:
        twin = next((other for other in kept if _agree(one, other)), None)
        if twin:
            twin.entries.extend(one.entries)
        else:
            kept.append(one)
    return iter(kept)


def _agree(one: _Hypothesis, other: _Hypothesis) -> bool:
    return one.state is other.state and one.planner.equals(other.planner)


def _passage(hypothesis: _Hypothesis) -> Passage:
    planner = hypothesis.planner
    boundaries = planner.boundaries
    plan = Plan(planner.cuts)
    return Passage(
        entries=tuple(hypothesis.entries),
        exit=hypothesis.state,
        boundaries=boundaries,
        head=planner.head if boundaries else planner.tail,
        tail=planner.tail,
        records=planner.records,
        chunks=len(plan),
        leading_records=next((records for _, _, records in plan), 0),
        first_record=planner.first_record,
    )
