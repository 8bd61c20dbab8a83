"""How assembled pieces become one object, within S3's rules for multipart uploads.

Parts are numbered 1 to 10,000 and are 5 MiB to 5 GiB each, only the last may be smaller; a part
that is copied server-side comes from one range of one object larger than 5 MiB
(S3 User Guide, "Multipart upload limits"; API reference, UploadPartCopy).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from penstock.domain.errors import PermanentError

MIB = 1024**2
MINIMUM_PART = 5 * MIB
MAXIMUM_PARTS = 10_000
MAXIMUM_BUFFER = 256 * MIB
"""Bytes that one part may gather in memory: two of them fit the function that composes."""

LARGEST_COPY = 512 * MIB
"""Bytes of a part that S3 copies: below its limit, so that more parts are copied side by side."""

_PARTS_AIMED_AT = 9_000


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes `[start, end)` of the piece with this index."""

    piece: int
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the upload: copied when it is a single range that S3 may copy, else gathered."""

    number: int
    ranges: tuple[Range, ...]
    copied: bool

    @property
    def size(self) -> int:
        return sum(each.size for each in self.ranges)


@dataclass(slots=True)
class _Gathering:
    """Ranges that wait to become a part."""

    ranges: list[Range] = field(default_factory=list)
    size: int = 0

    def add(self, extent: Range) -> None:
        if extent.size:
            self.ranges.append(extent)
            self.size += extent.size

    def take(self) -> tuple[Range, ...]:
        ranges, self.ranges, self.size = tuple(self.ranges), [], 0
        return ranges


def plan_parts(sizes: Sequence[int]) -> list[Part]:
    """Parts that put pieces of these sizes together, in order; none for no bytes at all.

    A piece that is large enough is copied by S3 itself. Small ones are gathered until they make a
    part; a gathering that is still too small borrows the head of the large piece that follows it.

    Raises:
        PermanentError: `OutputTooLarge`.
    """
    smallest = _smallest_part(sum(sizes))
    runs = _runs(sizes, smallest)
    return [
        Part(number, ranges, copied=_copyable(ranges, sizes))
        for number, ranges in enumerate(runs, start=1)
    ]


def _smallest_part(total: int) -> int:
    smallest = max(MINIMUM_PART, -(-total // _PARTS_AIMED_AT))
    if 2 * smallest > MAXIMUM_BUFFER:
        message = (
            f"{total} bytes of output exceed what one object is composed of here "
            f"({_PARTS_AIMED_AT * MAXIMUM_BUFFER // 2} bytes); split the input"
        )
        raise PermanentError("OutputTooLarge", message)
    return smallest


def _runs(sizes: Sequence[int], smallest: int) -> Iterator[tuple[Range, ...]]:
    gathering = _Gathering()
    for piece, size in enumerate(sizes):
        taken = _borrowed(size, gathering.size, smallest)
        gathering.add(Range(piece, 0, taken))
        if gathering.size >= smallest:
            yield gathering.take()
        if taken < size:
            yield from ((extent,) for extent in _copies(Range(piece, taken, size)))
    if gathering.size:
        yield gathering.take()


def _borrowed(size: int, gathered: int, smallest: int) -> int:
    """Bytes of a piece that join the gathering: all, or none, or what the gathering lacks."""
    lacking = max(0, smallest - gathered) if gathered else 0
    rest = size - lacking
    return lacking if rest >= smallest and size > MINIMUM_PART else size


def _copies(extent: Range) -> Iterator[Range]:
    """Equal shares: none comes out too small."""
    shares = -(-extent.size // LARGEST_COPY)
    borders = [extent.start + extent.size * i // shares for i in range(shares + 1)]
    for start, end in pairwise(borders):
        yield Range(extent.piece, start, end)


def _copyable(ranges: tuple[Range, ...], sizes: Sequence[int]) -> bool:
    return len(ranges) == 1 and sizes[ranges[0].piece] > MINIMUM_PART
