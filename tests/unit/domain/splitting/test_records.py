"""Records are exactly csv.reader's rows, JSON Lines documents or text lines."""

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.splitting import (
    ChunkLimits,
    Dialect,
    Format,
    SplitBytes,
    UnbalancedQuoteError,
    split_bytes,
    split_records,
)
from tests.strategies import csv_bytes, nasty_bytes
from tests.unit.domain.splitting.oracles import (
    data_start,
    greedy_chunks,
    record_ranges,
    rows_of,
)

CSV = Dialect(Format.CSV)
PROPERTY = settings(deadline=None, derandomize=True, max_examples=300)

limits = st.builds(ChunkLimits, st.integers(1, 6), st.integers(1, 30))
region_sizes = st.integers(1, 12) | st.integers(12, 200)
line_dialects = st.sampled_from([Dialect(Format.JSONL), Dialect(Format.TEXT)])


def balanced(data: bytes) -> bytes:
    _, is_open = record_ranges(data, CSV)
    return data + b'"' if is_open else data


def assert_chunks_hold(split: SplitBytes, ranges: list[tuple[int, int]], most: ChunkLimits) -> None:
    at = 0
    for number, chunk in enumerate(split.chunks):
        held = ranges[at : at + chunk.records]
        assert chunk.first_record == at, number
        assert (chunk.start, chunk.end) == (held[0][0], held[-1][1])
        assert chunk.records <= most.max_records
        assert chunk.records == 1 or chunk.end - chunk.start <= most.max_bytes
        at += chunk.records
    assert at == len(ranges) == split.resolution.records


@PROPERTY
@given(csv_bytes().map(balanced))
def test_the_oracle_agrees_with_csv_reader(data):
    ranges, is_open = record_ranges(data, CSV)

    assert not is_open
    assert [rows_of(data[a:b]) for a, b in ranges] == [
        [row] for row in rows_of(data[data_start(data) :])
    ]


@PROPERTY
@given(csv_bytes().map(balanced), limits, region_sizes)
def test_csv_chunks_hold_the_rows_of_csv_reader_in_order(data, most, region_bytes):
    split = split_bytes(data, CSV, most, region_bytes)

    chunk_rows = [rows_of(data[c.start : c.end]) for c in split.chunks]
    assert [len(rows) for rows in chunk_rows] == [c.records for c in split.chunks]
    assert [row for rows in chunk_rows for row in rows] == rows_of(data[data_start(data) :])
    assert_chunks_hold(split, record_ranges(data, CSV)[0], most)


@PROPERTY
@given(csv_bytes().map(balanced), st.sampled_from([";", "\t", "a", " ", "'"]), region_sizes)
def test_any_ascii_character_can_be_the_delimiter(data, delimiter, region_bytes):
    dialect = Dialect(Format.CSV, delimiter)
    data = data if not record_ranges(data, dialect)[1] else data + b'"'
    most = ChunkLimits(3, 20)

    split = split_bytes(data, dialect, most, region_bytes)

    rows = [row for c in split.chunks for row in rows_of(data[c.start : c.end], delimiter)]
    assert rows == rows_of(data[data_start(data) :], delimiter)
    assert_chunks_hold(split, record_ranges(data, dialect)[0], most)


@PROPERTY
@given(csv_bytes().map(balanced), limits, region_sizes)
def test_a_header_is_the_first_record_and_none_of_the_records(data, most, region_bytes):
    ranges, _ = record_ranges(data, CSV)

    split = split_bytes(data, Dialect(Format.CSV, has_header=True), most, region_bytes)

    header = split.resolution.header
    assert (header and (header.start, header.end)) == (ranges[0] if ranges else None)
    assert split.resolution.records == max(len(ranges) - 1, 0)
    rows = [row for c in split.chunks for row in rows_of(data[c.start : c.end])]
    assert rows == rows_of(data[data_start(data) :])[1:]
    assert all(c.records <= most.max_records for c in split.chunks)
    assert all(c.records == 1 or c.end - c.start <= most.max_bytes for c in split.chunks)


@PROPERTY
@given(nasty_bytes(), line_dialects, limits, region_sizes)
def test_lines_are_split_at_newlines_alone(data, dialect, most, region_bytes):
    split = split_bytes(data, dialect, most, region_bytes)

    assert split.resolution.data_start == data_start(data)
    assert_chunks_hold(split, record_ranges(data, dialect)[0], most)


@PROPERTY
@given(csv_bytes().map(balanced), st.sampled_from(list(Format)), limits)
def test_one_region_is_chunked_greedily(data, format_, most):
    dialect = Dialect(format_)

    split = split_bytes(data, dialect, most)

    chunks = [(c.start, c.end, c.records) for c in split.chunks]
    ranges, _ = record_ranges(data, dialect)
    assert chunks == greedy_chunks(ranges, most.max_records, most.max_bytes)


@PROPERTY
@given(csv_bytes(), st.sampled_from(list(Format)))
def test_split_records_takes_off_line_ends_and_drops_blank_lines(data, format_):
    dialect = Dialect(format_)
    data = data[data_start(data) :]
    if data.startswith(b"\xef\xbb\xbf"):
        data = b"x" + data

    records = split_records(data, dialect)

    ranges, _ = record_ranges(data, dialect)
    assert records == [data[a:b].removesuffix(b"\n").removesuffix(b"\r") for a, b in ranges]


@PROPERTY
@given(csv_bytes(), region_sizes)
def test_an_unbalanced_quote_is_named_where_its_record_starts(data, region_bytes):
    ranges, is_open = record_ranges(data, CSV)

    try:
        split_bytes(data, CSV, ChunkLimits(3, 20), region_bytes)
        error = None
    except UnbalancedQuoteError as raised:
        error = raised

    assert (error is not None) == is_open
    if error:
        assert (error.record, error.offset) == (len(ranges) - 1, ranges[-1][0])


def test_an_unbalanced_header_is_named_as_such():
    dialect = Dialect(Format.CSV, has_header=True)

    try:
        split_bytes(b'\n"a,b\n1,2\n', dialect, ChunkLimits(3, 20))
        message = ""
    except UnbalancedQuoteError as error:
        message = str(error)

    assert message == (
        "UnbalancedQuote: the header, which starts at byte 1, opens a quote that is never closed"
    )


def test_a_stray_quote_in_an_unquoted_field_swallows_no_rows():
    data = b'5" pipe,1\n6" pipe,2\n"7"" pipe",3\n'

    assert split_records(data, CSV) == [b'5" pipe,1', b'6" pipe,2', b'"7"" pipe",3']


def test_text_keeps_blank_lines_so_that_files_stay_aligned():
    assert split_records(b"a\n\n b\r\n\n", Dialect(Format.TEXT)) == [b"a", b"", b" b", b""]


def test_a_missing_final_newline_makes_no_extra_chunk():
    with_newline = split_bytes(b"a\nb\n", CSV, ChunkLimits(10, 100))
    without = split_bytes(b"a\nb", CSV, ChunkLimits(10, 100))

    assert [c.records for c in with_newline.chunks] == [c.records for c in without.chunks] == [2]


def test_a_header_takes_no_room_from_the_first_chunk():
    data = b"name\n" + b"1\n" * 10

    split = split_bytes(data, Dialect(Format.CSV, has_header=True), ChunkLimits(10, 100))

    assert [(c.start, c.end, c.records) for c in split.chunks] == [(5, 25, 10)]


def test_an_empty_file_has_nothing():
    split = split_bytes(b"", CSV, ChunkLimits(10, 100))

    assert (split.resolution.records, split.resolution.segments, split.chunks) == (0, 0, [])
