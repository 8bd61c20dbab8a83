"""The chunks of a resolved region."""

from collections.abc import Iterator

from penstock.domain.splitting.model import Chunk
from penstock.domain.splitting.resolve import ResolvedRegion, segments_of
from penstock.domain.splitting.summary import Plan


def chunks_of(resolved: ResolvedRegion, plan: Plan) -> Iterator[Chunk]:
    """`plan` is the one that the region's scan has for `resolved.entry`."""
    record = resolved.first_record
    places = _places(resolved.first_segment, resolved.chunks)
    for (segment, index, size), (start, end, records) in zip(
        places, _cuts(resolved, plan), strict=True
    ):
        yield Chunk(segment, index, size, start, end, records, record)
        record += records


def _cuts(resolved: ResolvedRegion, plan: Plan) -> Iterator[tuple[int, int, int]]:
    if resolved.straddler:
        yield resolved.straddler.start, resolved.straddler.end, 1
    cuts = iter(plan)
    if resolved.header:
        _, end, records = next(cuts)
        if records > 1:
            yield resolved.header.end, end, records - 1
    yield from cuts


def _places(first_segment: int, chunks: int) -> Iterator[tuple[int, int, int]]:
    """Segment, index in it, and its size, for each chunk: segments as equal as they can be."""
    segments = segments_of(chunks)
    for number in range(segments):
        size = chunks // segments + (number < chunks % segments)
        for index in range(size):
            yield first_segment + number, index, size
