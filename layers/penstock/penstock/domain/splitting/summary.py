"""What a scan finds out about a region."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from penstock.domain.splitting.model import ByteRange, Fill, State


@dataclass(frozen=True, slots=True)
class Plan:
    """The chunks of records that lie wholly in one region."""

    cuts: "array[int]"  # start, end, number of records; for each chunk

    def __len__(self) -> int:
        return len(self.cuts) // 3

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        cuts = self.cuts
        return zip(cuts[0::3], cuts[1::3], cuts[2::3], strict=True)

    def to_json(self) -> list[int]:
        """Each chunk as: bytes since the chunk before, length, records. Short, and exact."""
        numbers: list[int] = []
        previous = 0
        for start, end, records in self:
            numbers += (start - previous, end - start, records)
            previous = end
        return numbers

    @classmethod
    def from_json(cls, document: list[int]) -> Self:
        cuts = array("Q")
        previous = 0
        for gap, length, records in zip(
            document[0::3], document[1::3], document[2::3], strict=True
        ):
            start = previous + gap
            previous = start + length
            cuts.extend((start, previous, records))
        return cls(cuts)


@dataclass(frozen=True, slots=True)
class Passage:
    """How one hypothesis passes through a region: what `resolve` needs of it.

    `boundaries` is from the first to the last place after a line end, None if no line ends in the
    region; then `head` and `tail` are both about all of the region. `leading_records` are the
    records in the first chunk.
    """

    entries: tuple[State, ...]
    exit: State
    boundaries: ByteRange | None
    head: Fill
    tail: Fill
    records: int
    chunks: int
    leading_records: int
    first_record: ByteRange | None

    def to_json(self) -> list[Any]:
        states = "".join(self.entries)
        counts = (self.records, self.chunks, self.leading_records)
        ranges = (_range_to_json(self.boundaries), _range_to_json(self.first_record))
        return [states, self.exit.value, int(self.head), int(self.tail), *counts, *ranges]

    @classmethod
    def from_json(cls, document: list[Any]) -> Self:
        entries, exit_, head, tail, records, chunks, leading, boundaries, first = document
        return cls(
            entries=tuple(State(entry) for entry in entries),
            exit=State(exit_),
            boundaries=_range_from_json(boundaries),
            head=Fill(head),
            tail=Fill(tail),
            records=int(records),
            chunks=int(chunks),
            leading_records=int(leading),
            first_record=_range_from_json(first),
        )


@dataclass(frozen=True, slots=True)
class RegionSummary:
    """Less than 1 KB as JSON."""

    region: ByteRange
    passages: tuple[Passage, ...]

    def passage(self, entry: State) -> Passage:
        return next(passage for passage in self.passages if entry in passage.entries)

    def to_json(self) -> dict[str, Any]:
        passages = [passage.to_json() for passage in self.passages]
        return {"region": self.region.to_json(), "passages": passages}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        passages = tuple(Passage.from_json(each) for each in document["passages"])
        return cls(ByteRange.from_json(document["region"]), passages)


@dataclass(frozen=True, slots=True)
class RegionScan:
    """The result of scanning one region: a passage and a plan for each distinct hypothesis."""

    region: ByteRange
    passages: tuple[Passage, ...]
    plans: tuple[Plan, ...]

    def summary(self) -> RegionSummary:
        return RegionSummary(self.region, self.passages)

    def plan(self, entry: State) -> Plan:
        pairs = zip(self.passages, self.plans, strict=True)
        return next(plan for passage, plan in pairs if entry in passage.entries)

    def to_json(self) -> dict[str, Any]:
        return {**self.summary().to_json(), "plans": [plan.to_json() for plan in self.plans]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        summary = RegionSummary.from_json(document)
        plans = tuple(Plan.from_json(each) for each in document["plans"])
        return cls(summary.region, summary.passages, plans)


def _range_to_json(value: ByteRange | None) -> list[int] | None:
    return value.to_json() if value else None


def _range_from_json(document: list[int] | None) -> ByteRange | None:
    return ByteRange.from_json(document) if document else None
