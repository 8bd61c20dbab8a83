"""One line of output for each record, in the order of the input, whatever the regions."""

import csv
import io
import json

import pytest

from penstock.use_cases.split_input import MESSAGES_AT_ONCE
from tests.strategies import BOM
from tests.unit.use_cases.world import World, predict

REGIONS = [1, 3, 7, 16, 50, 10_000]
SMALL_CHUNKS = "invoke: {endpoint: demo}\nchunk: {max_records: 3}\n"
ROWS = b'1,"a\nb"\r\n2,c\n\n"3","say ""x"""\r\n4,\xc3\xa9,,\n5,"\r\n\n"\n6,last'


def predicted(key: str, body: bytes, pipeline: str, region_bytes: int = 16) -> list[str]:
    world = World(pipeline=pipeline, region_bytes=region_bytes)
    world.drop(key, body)
    world.run()
    lines = world.lines(key)
    assert world.manifest(key)["records"]["total"] == len(lines)
    assert world.dead_letters == []
    return lines


def rows(body: bytes) -> list[str]:
    table = csv.reader(io.StringIO(body.decode(), newline=""))
    return [predict("|".join(row)) for row in table if row]


@pytest.mark.parametrize("region_bytes", REGIONS)
def test_csv_rows_with_quoted_newlines_keep_their_order(region_bytes: int) -> None:
    assert predicted("rows.csv", ROWS, SMALL_CHUNKS, region_bytes) == rows(ROWS)


@pytest.mark.parametrize("region_bytes", REGIONS)
def test_json_lines_keep_their_order_and_blank_lines_are_no_records(region_bytes: int) -> None:
    body = b'{"a": 1}\n\n[2, "\\n"]\r\n  \t\nnull\n"last"'

    lines = predicted("data.jsonl", body, SMALL_CHUNKS, region_bytes)

    assert [json.loads(line)["y"] for line in lines] == [{"a": 1}, [2, "\n"], None, "last"]


@pytest.mark.parametrize("region_bytes", REGIONS)
def test_text_lines_keep_their_order_and_blank_lines_are_records(region_bytes: int) -> None:
    body = b'one "quote\n\ntwo, and more\r\nlast'

    lines = predicted("notes.txt", body, SMALL_CHUNKS, region_bytes)

    expected = ['one "quote', "", "two, and more", "last"]
    assert lines == [predict(line) for line in expected]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\n\n\n"])
def test_the_end_of_the_file_makes_no_record_of_its_own(ending: bytes) -> None:
    assert predicted("rows.csv", b"1\n2\n3" + ending, SMALL_CHUNKS) == ["y(1)", "y(2)", "y(3)"]


@pytest.mark.parametrize("region_bytes", REGIONS)
@pytest.mark.parametrize("key", ["rows.csv", "lines.txt"])
def test_a_byte_order_mark_is_not_part_of_the_first_record(key: str, region_bytes: int) -> None:
    assert predicted(key, BOM + b"1\n2\n", SMALL_CHUNKS, region_bytes) == ["y(1)", "y(2)"]


@pytest.mark.parametrize("region_bytes", REGIONS)
def test_without_a_header_the_first_row_is_a_record(region_bytes: int) -> None:
    lines = predicted("rows.csv", b"id\n1\n2\n", SMALL_CHUNKS, region_bytes)

    assert lines == ["y(id)", "y(1)", "y(2)"]


@pytest.mark.parametrize("region_bytes", REGIONS)
def test_a_header_that_is_dropped_is_neither_sent_nor_counted(region_bytes: int) -> None:
    pipeline = SMALL_CHUNKS + "input: {header: true}\n"

    assert predicted("rows.csv", b"id\n1\n2\n", pipeline, region_bytes) == ["y(1)", "y(2)"]


@pytest.mark.parametrize("region_bytes", REGIONS)
def test_a_header_is_sent_with_each_chunk(region_bytes: int) -> None:
    header = b'"the\nid",note'
    world = World(
        lambda body, _: body.removeprefix(header + b"\n"),
        pipeline="invoke: {endpoint: demo}\ninput: {header: send}\nchunk: {max_records: 1}\n",
        region_bytes=region_bytes,
    )
    world.drop("rows.csv", BOM + header + b"\r\n1,a\r\n2,b\r\n3,c\r\n")

    world.run()

    assert [request.body for request in world.model.requests] == [
        header + b"\n%d,%s\n" % (number, note) for number, note in [(1, b"a"), (2, b"b"), (3, b"c")]
    ]
    assert world.lines("rows.csv") == ["1,a", "2,b", "3,c"]


@pytest.mark.parametrize("body", [b"", BOM, b"\n\n", b"\r\n"])
@pytest.mark.parametrize("region_bytes", REGIONS)
def test_a_file_without_records_succeeds_with_an_empty_output(
    body: bytes, region_bytes: int
) -> None:
    assert predicted("rows.csv", body, SMALL_CHUNKS, region_bytes) == []


@pytest.mark.parametrize("body", [b"id,note", b"id,note\n", BOM + b'"id\n",note\r\n\r\n'])
@pytest.mark.parametrize("region_bytes", REGIONS)
def test_a_header_alone_succeeds_with_an_empty_output(body: bytes, region_bytes: int) -> None:
    pipeline = SMALL_CHUNKS + "input: {header: send}\n"

    assert predicted("rows.csv", body, pipeline, region_bytes) == []


def test_a_record_longer_than_a_chunk_goes_alone() -> None:
    long = b"x" * 3000
    world = World(pipeline="invoke: {endpoint: demo}\nchunk: {max_bytes: 1024}\n", region_bytes=500)
    world.drop("rows.csv", b"1\n2\n" + long + b"\n3\n4\n")

    world.run()

    assert world.lines("rows.csv") == [predict(each) for each in ("1", "2", "x" * 3000, "3", "4")]
    assert long + b"\n" in [request.body for request in world.model.requests]


def test_another_delimiter_decides_where_a_quote_opens() -> None:
    body = b'1;"a\nb"\n2;c,"d\n3;e\n'
    pipeline = SMALL_CHUNKS + "input: {delimiter: ';'}\n"
    world = World(lambda body, _: b"y\n" * 3, pipeline=pipeline)

    world.drop("rows.csv", body)
    world.run()

    assert world.lines("rows.csv") == ["y", "y", "y"]


def test_more_than_256_chunks_of_one_region_make_several_segments() -> None:
    world = World(
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 1}\n", region_bytes=10**6
    )
    world.drop("rows.csv", b"".join(b"%d\n" % number for number in range(600)))

    world.run()

    assert world.lines("rows.csv") == [f"y({number})" for number in range(600)]
    assert len(world.table.results) == 3


def test_a_region_of_more_chunks_than_are_held_in_memory_is_sent_whole() -> None:
    world = World(
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 1}\n", region_bytes=10**6
    )
    world.drop("rows.csv", b"".join(b"%d\n" % number for number in range(MESSAGES_AT_ONCE + 1)))

    world.run()

    assert len(world.model.requests) == MESSAGES_AT_ONCE + 1
    assert world.lines("rows.csv")[-1] == f"y({MESSAGES_AT_ONCE})"


def test_more_than_256_regions_are_told_apart() -> None:
    body = b"".join(b"%d\n" % number for number in range(900))

    assert predicted("rows.csv", body, SMALL_CHUNKS, 10) == [f"y({n})" for n in range(900)]
