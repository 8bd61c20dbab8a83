"""Scans do not depend on how the bytes arrive, and what they report is small."""

import json
import random
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.splitting import (
    ByteRange,
    ChunkLimits,
    Dialect,
    Format,
    RegionScan,
    RegionScanner,
    RegionSummary,
    State,
    plan_regions,
    resolve,
    split_bytes,
)
from penstock.domain.splitting.quotes import by_parity, by_walking
from tests.strategies import csv_bytes
from tests.unit.domain.splitting.oracles import record_ranges, rows_of

CSV = Dialect(Format.CSV)
PROPERTY = settings(deadline=None, derandomize=True, max_examples=250)
MIB = 1024 * 1024


def scan(data: bytes, dialect: Dialect, region: ByteRange, blocks: list[int]) -> RegionScan:
    scanner = RegionScanner(dialect, ChunkLimits(3, 25), region, len(data))
    borders = sorted({region.start, *(region.start + b for b in blocks if b < region.size)})
    for start, end in zip(borders, [*borders[1:], region.end], strict=True):
        scanner.feed(data[start:end])
    return scanner.finish()


def csv_rows(seed: int, rows: int, stray: float = 0) -> bytes:
    rng = random.Random(seed)
    texts = ["plain", "two\nlines", 'say ""hi""', "", ",", ",\n,", '""', "x" * 90, " padded "]
    made = []
    for number in range(rows):
        quoted = f'"{rng.choice(texts)}"' if rng.random() > stray else f'{rng.randint(1, 9)}" pipe'
        made.append(f'{number},{quoted},{rng.random()},"{rng.choice(texts)}"')
    return "\n".join(made).encode()


@PROPERTY
@given(
    csv_bytes(),
    st.sampled_from([*map(Dialect, Format), Dialect(Format.CSV, has_header=True)]),
    st.integers(1, 100),
    st.lists(st.integers(0, 80), max_size=8),
)
def test_the_blocks_in_which_bytes_arrive_make_no_difference(data, dialect, region_bytes, blocks):
    for region in plan_regions(len(data), region_bytes):
        whole = scan(data, dialect, region, [])
        single = scan(data, dialect, region, list(range(region.size)))
        for state in [state for p in whole.passages for state in p.entries]:
            for other in (single, scan(data, dialect, region, blocks)):
                assert other.plan(state) == whole.plan(state)
                mine, yours = whole.summary().passage(state), other.summary().passage(state)
                assert mine.to_json()[1:] == yours.to_json()[1:]


@PROPERTY
@given(csv_bytes(), st.sampled_from(State), st.sampled_from([b",", b"'", b" "]))
def test_the_fast_way_agrees_with_the_exact_way_or_declines(block, state, delimiter):
    pieces = block.split(b'"')
    fast = by_parity(pieces, state, delimiter) if len(pieces) > 1 else None

    assert fast is None or fast == by_walking(pieces, state, delimiter)


def test_the_fast_way_takes_well_formed_rows_from_every_state_it_can():
    pieces = csv_rows(1, 100).split(b'"')

    assert by_parity(pieces, State.START, b",") == by_walking(pieces, State.START, b",")


@pytest.mark.parametrize("stray", [0, 0.001, 0.5])
@pytest.mark.parametrize("region_bytes", [10 * MIB, 700_001, 100_003])
def test_large_files_split_into_the_rows_of_csv_reader(stray, region_bytes):
    data = csv_rows(7, 12_000, stray)

    split = split_bytes(data, CSV, ChunkLimits(100, 10_000), region_bytes)

    rows = [row for c in split.chunks for row in rows_of(data[c.start : c.end])]
    assert rows == rows_of(data)
    assert split.resolution.records == len(record_ranges(data, CSV)[0])


def test_hypotheses_that_converge_are_kept_once():
    quoted = csv_rows(3, 3000)
    unquoted = b"1,2,3\n" * 3000

    sooner_or_later = scan(quoted, CSV, ByteRange(1000, len(quoted)), [])
    never = scan(unquoted, CSV, ByteRange(1000, len(unquoted)), [])

    assert [set(p.entries) for p in sooner_or_later.passages] == [set(State)]
    assert [set(p.entries) for p in never.passages] == [set(State) - {State.QUOTED}, {State.QUOTED}]


@pytest.mark.parametrize("dialect", [CSV, Dialect(Format.CSV, has_header=True)])
def test_a_summary_stays_under_a_kilobyte_at_five_terabytes(dialect):
    size, length = 5 * 10**12, MIB
    region = ByteRange(size - 2 * length, size - length)
    scanner = RegionScanner(dialect, ChunkLimits(1, 1), region, size)
    block = b'"\n,\n"a"\nb""\n'
    scanner.feed(block * (length // len(block)) + b"x" * (length % len(block)))

    summary = scanner.finish().summary()

    assert len(json.dumps(summary.to_json())) < 1000
    assert RegionSummary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


@PROPERTY
@given(csv_bytes(), st.integers(1, 60))
def test_a_scan_survives_json(data, region_bytes):
    for region in plan_regions(len(data), region_bytes):
        found = scan(data, CSV, region, [])

        assert RegionScan.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_scan_must_be_fed_all_of_its_region():
    scanner = RegionScanner(CSV, ChunkLimits(1, 1), ByteRange(0, 10), 20)
    scanner.feed(b"too few")

    with pytest.raises(ValueError, match="fed up to 7"):
        scanner.finish()


def test_a_region_that_could_cut_a_byte_order_mark_is_refused():
    with pytest.raises(ValueError, match="byte order mark"):
        RegionScanner(CSV, ChunkLimits(1, 1), ByteRange(0, 2), 10)


def test_a_record_may_span_many_regions():
    data = b'1,"' + b"\n,x" * 200_000 + b'"\n2,b\n'

    split = split_bytes(data, CSV, ChunkLimits(10, 100), 10_000)

    assert [(c.start, c.end, c.records) for c in split.chunks] == [
        (0, len(data) - 4, 1),
        (len(data) - 4, len(data), 1),
    ]


def peak_of_scanning(dialect: Dialect, blocks: Iterator[bytes], size: int) -> int:
    scanner = RegionScanner(
        dialect, ChunkLimits(1000, 4 * MIB), ByteRange(MIB, MIB + size), 2 * size
    )
    tracemalloc.start()
    for block in blocks:
        scanner.feed(block)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found = scanner.finish()
    assert resolve([], dialect, 0).records == 0
    assert found.region.size == size
    return peak


@pytest.mark.parametrize("filler", [b"x", b"\n", b'"'], ids=["one line", "newlines", "quotes"])
def test_memory_is_flat_however_long_a_record_is(filler):
    block = filler * MIB
    count = 64 if filler == b"x" else 1

    peak = peak_of_scanning(CSV, (block for _ in range(count)), count * MIB)

    assert peak < (1 if filler == b"x" else 24) * MIB


@pytest.mark.parametrize("format_", Format)
def test_memory_is_flat_over_many_rows(format_):
    block = csv_rows(5, 8000)[: MIB - 1] + b"\n"
    block += b"x" * (MIB - len(block))

    peak = peak_of_scanning(Dialect(format_), (block for _ in range(32)), 32 * MIB)

    assert peak < 16 * MIB
