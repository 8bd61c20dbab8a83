"""Numbers over the whole file: segments, chunks, records."""

import json
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.splitting import (
    ByteRange,
    ChunkLimits,
    Dialect,
    Format,
    Passage,
    Plan,
    RegionSummary,
    ResolvedRegion,
    State,
    chunks_of,
    plan_regions,
    resolve,
    split_bytes,
)
from penstock.domain.splitting.model import Fill

TEXT = Dialect(Format.TEXT)


def region_of(chunks: int, start: int = 0) -> RegionSummary:
    region = ByteRange(start, start + 2 * chunks)
    passage = Passage(
        entries=(State.START,),
        exit=State.START,
        boundaries=region,
        head=Fill.EMPTY,
        tail=Fill.EMPTY,
        records=chunks,
        chunks=chunks,
        leading_records=1,
        first_record=None,
    )
    return RegionSummary(region, (passage,))


def lines_plan(chunks: int) -> Plan:
    return Plan(array("Q", [n for i in range(chunks) for n in (2 * i, 2 * i + 2, 1)]))


@pytest.mark.parametrize(
    ("chunks", "sizes"),
    [(0, []), (1, [1]), (256, [256]), (257, [129, 128]), (640, [214, 213, 213])],
)
def test_segments_are_balanced_and_hold_at_most_256_chunks(chunks, sizes):
    resolution = resolve([region_of(chunks)], TEXT, 2 * chunks)

    emitted = list(chunks_of(resolution.regions[0], lines_plan(chunks)))

    places = [(c.segment, c.index, c.chunks_in_segment) for c in emitted]
    assert places == [(s, i, size) for s, size in enumerate(sizes) for i in range(size)]
    assert resolution.segments == len(sizes)


@given(st.binary(max_size=60), st.integers(1, 20))
@settings(deadline=None, derandomize=True)
def test_segments_are_numbered_over_the_whole_file(data, region_bytes):
    split = split_bytes(data.replace(b"0", b"\n"), TEXT, ChunkLimits(1, 10), region_bytes)

    segments = sorted({chunk.segment for chunk in split.chunks})
    assert segments == list(range(split.resolution.segments))
    assert split.resolution.chunks == len(split.chunks)


def test_too_many_segments_are_refused_with_advice():
    chunks = 256 * 100_000 + 1

    with pytest.raises(PermanentError, match=r"TooManySegments: 100001 segments.*larger chunks"):
        resolve([region_of(chunks)], TEXT, 2 * chunks)


def test_a_missing_region_is_a_bug_and_not_a_shorter_job():
    with pytest.raises(ValueError, match="does not follow"):
        resolve([region_of(1), region_of(1, start=4)], TEXT, 6)
    with pytest.raises(ValueError, match="the regions end at 2"):
        resolve([region_of(1)], TEXT, 6)


@pytest.mark.parametrize("has_header", [True, False])
def test_a_resolved_region_survives_json(has_header):
    dialect = Dialect(Format.CSV, has_header=has_header)
    split = split_bytes(b"\n\n\n\n\n\na,b\n1,2\n3,4\n", dialect, ChunkLimits(5, 50), 5)

    for region in split.resolution.regions:
        assert ResolvedRegion.from_json(json.loads(json.dumps(region.to_json()))) == region


def test_dialects_and_limits_survive_json():
    dialect, limits = Dialect(Format.CSV, ";", has_header=True), ChunkLimits(7, 9)

    assert Dialect.from_json(json.loads(json.dumps(dialect.to_json()))) == dialect
    assert ChunkLimits.from_json(json.loads(json.dumps(limits.to_json()))) == limits


@pytest.mark.parametrize("delimiter", ["", '"', "\n", "\r", ",,", "é"])
def test_what_cannot_delimit_is_refused(delimiter):
    with pytest.raises(ValueError, match="not a delimiter"):
        Dialect(Format.CSV, delimiter)


def test_regions_cover_the_file_and_never_cut_a_byte_order_mark():
    assert plan_regions(0, 10) == []
    assert plan_regions(10, 4) == [ByteRange(0, 4), ByteRange(4, 8), ByteRange(8, 10)]
    assert plan_regions(5, 1) == [ByteRange(0, 3), ByteRange(3, 4), ByteRange(4, 5)]
