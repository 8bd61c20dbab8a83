"""The second phase: chain the regions, pick what holds in each, number everything."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from penstock.domain.errors import PermanentError
from penstock.domain.splitting.fills import BLANK_RULES
from penstock.domain.splitting.model import ByteRange, Dialect, Fill, State
from penstock.domain.splitting.summary import Passage, RegionSummary

CHUNKS_PER_SEGMENT = 256
MAX_SEGMENTS = 100_000


class UnbalancedQuoteError(PermanentError):
    """`record` is None if it is the header. `offset` is where the open record starts."""

    def __init__(self, record: int | None, offset: int) -> None:
        name = "the header" if record is None else f"record {record}"
        message = f"{name}, which starts at byte {offset}, opens a quote that is never closed"
        super().__init__("UnbalancedQuote", message)
        self.record = record
        self.offset = offset


@dataclass(frozen=True, slots=True)
class ResolvedRegion:
    """All that is needed, with the plan for `entry`, to emit a region's chunks.

    `straddler` is the record that began in an earlier region and ends in this one: the first chunk.
    `header` is set if the first record of the plan is the file's header, and so no record.
    """

    index: int
    region: ByteRange
    entry: State
    straddler: ByteRange | None
    header: ByteRange | None
    chunks: int
    records: int
    first_segment: int
    first_record: int

    @property
    def segments(self) -> int:
        return segments_of(self.chunks)

    def to_json(self) -> dict[str, Any]:
        ranges = {
            name: value and value.to_json()
            for name, value in (
                ("region", self.region),
                ("straddler", self.straddler),
                ("header", self.header),
            )
        }
        return {**asdict(self), **ranges, "entry": self.entry.value}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        ranges = {
            name: document[name] and ByteRange.from_json(document[name])
            for name in ("region", "straddler", "header")
        }
        return cls(**{**document, **ranges, "entry": State(document["entry"])})


@dataclass(frozen=True, slots=True)
class Resolution:
    """`data_start` is 3 after a byte order mark, else 0."""

    records: int
    chunks: int
    segments: int
    data_start: int
    header: ByteRange | None
    regions: tuple[ResolvedRegion, ...]


def segments_of(chunks: int) -> int:
    return -(-chunks // CHUNKS_PER_SEGMENT)


def resolve(summaries: Iterable[RegionSummary], dialect: Dialect, file_size: int) -> Resolution:
    """`summaries` of all regions, in order.

    Raises UnbalancedQuoteError, and PermanentError if there are more than MAX_SEGMENTS segments.
    """
    chain = _Chain(dialect)
    for summary in summaries:
        chain.append(summary)
    if chain.end != file_size:
        raise ValueError(f"the regions end at {chain.end}, the file at {file_size}")
    if chain.state is State.QUOTED:
        raise UnbalancedQuoteError(None if chain.lacks_header else chain.records, chain.line_start)
    if chain.segments > MAX_SEGMENTS:
        message = f"{chain.segments} segments, more than {MAX_SEGMENTS}: use larger chunks"
        raise PermanentError("TooManySegments", message)
    return chain.resolution()


@dataclass(slots=True)
class _Chain:
    """What is known at the border that has been reached: `fill` is that of the line left open."""

    dialect: Dialect
    end: int = 0
    state: State = State.START
    line_start: int = 0
    fill: Fill = Fill.EMPTY
    records: int = 0
    chunks: int = 0
    segments: int = 0
    data_start: int = 0
    header: ByteRange | None = None
    regions: list[ResolvedRegion] = field(default_factory=list)

    @property
    def lacks_header(self) -> bool:
        return self.dialect.has_header and self.header is None

    def append(self, summary: RegionSummary) -> None:
        if summary.region.start != self.end:
            raise ValueError(f"{summary.region} does not follow byte {self.end}")
        passage = summary.passage(self.state)
        straddler = self._end_open_line(passage)
        header = self._header_of(passage)
        self._number(summary.region, passage, straddler, header)
        self.end = summary.region.end
        self.state = passage.exit

    def resolution(self) -> Resolution:
        return Resolution(
            records=self.records,
            chunks=self.chunks,
            segments=self.segments,
            data_start=self.data_start,
            header=self.header,
            regions=tuple(self.regions),
        )

    def _end_open_line(self, passage: Passage) -> ByteRange | None:
        rule = BLANK_RULES[self.dialect.format]
        if passage.boundaries is None:
            self.fill = rule.joined(self.fill, passage.head)
            return None
        if self.end == 0:
            self.line_start = self.data_start = passage.boundaries.start
        line = ByteRange(self.line_start, passage.boundaries.start)
        fill = rule.joined(self.fill, passage.head)
        self.line_start, self.fill = passage.boundaries.end, passage.tail
        if not line.size or fill in rule.blank:
            return None
        if self.lacks_header:
            self.header = line
            return None
        return line

    def _header_of(self, passage: Passage) -> ByteRange | None:
        if not self.lacks_header:
            return None
        self.header = passage.first_record
        return self.header

    def _number(
        self,
        region: ByteRange,
        passage: Passage,
        straddler: ByteRange | None,
        header: ByteRange | None,
    ) -> None:
        lone_header = header is not None and passage.leading_records == 1
        resolved = ResolvedRegion(
            index=len(self.regions),
            region=region,
            entry=self.state,
            straddler=straddler,
            header=header,
            chunks=passage.chunks + (straddler is not None) - lone_header,
            records=passage.records + (straddler is not None) - (header is not None),
            first_segment=self.segments,
            first_record=self.records,
        )
        self.regions.append(resolved)
        self.records += resolved.records
        self.chunks += resolved.chunks
        self.segments += resolved.segments
