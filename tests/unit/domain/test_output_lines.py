"""From outcomes to the lines that the user gets."""

import base64
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.output_lines import (
    MAXIMUM_QUOTED_RECORD,
    LineStyle,
    RecordError,
    Settled,
    error_lines,
    output_lines,
)

ERROR = RecordError("ModelError", 'no "x", please\nthanks', 3)


def style(**changes: str) -> LineStyle:
    options = {"fmt": "csv", "accept": "text/csv", "on_error": "inline", "join": "none"}
    return LineStyle(**options | changes)  # type: ignore[arg-type]


def lines(given_style: LineStyle, *settled: Settled) -> list[bytes]:
    return list(output_lines(given_style, settled))


def test_results_are_lines() -> None:
    assert lines(style(), Settled(0, b"1"), Settled(1, b"")) == [b"1\n", b"\n"]


def test_an_error_in_csv_is_one_cell() -> None:
    (line,) = lines(style(), Settled(7, ERROR))

    ((cell,),) = csv.reader(io.StringIO(line.decode(), newline=""))
    assert json.loads(cell) == {"error": "ModelError", "message": ERROR.message, "record": 7}


@pytest.mark.parametrize("accept", ["application/jsonlines", "text/plain", "application/json"])
def test_an_error_elsewhere_is_a_line_of_json(accept: str) -> None:
    (line,) = lines(style(accept=accept), Settled(7, ERROR))

    assert json.loads(line)["error"] == "ModelError"
    assert line.count(b"\n") == 1


def test_errors_may_be_left_out() -> None:
    settled = (Settled(0, b"1"), Settled(1, ERROR), Settled(2, b"3"))

    assert lines(style(on_error="omit"), *settled) == [b"1\n", b"3\n"]
    assert len(lines(style(on_error="fail"), *settled)) == 3


@pytest.mark.parametrize(
    ("fmt", "record", "result", "joined"),
    [
        ("csv", b"1;a", b"0.5", b"1;a;0.5\n"),
        ("text", b"hello", b"0.5", b"hello\t0.5\n"),
        ("jsonl", b'{"a": 1}', b"0.5", b'{"a":1,"SageMakerOutput":0.5}\n'),
        ("jsonl", b"[1]", b"not json", b'{"SageMakerInput":[1],"SageMakerOutput":"not json"}\n'),
        ("jsonl", b"\xff", b"1", '{"SageMakerInput":"\ufffd","SageMakerOutput":1}\n'.encode()),
    ],
)
def test_a_result_is_joined_to_its_record(
    fmt: str, record: bytes, result: bytes, joined: bytes
) -> None:
    joining = LineStyle(fmt, "text/plain", "inline", "input", delimiter=";")  # type: ignore[arg-type]

    assert lines(joining, Settled(0, result, record)) == [joined]


def test_a_result_that_is_nested_too_deeply_to_read_is_joined_as_text() -> None:
    deep = b"[" * 100_000
    joining = style(fmt="jsonl", join="input")

    (line,) = lines(joining, Settled(0, deep, b"1"))

    assert json.loads(line)["SageMakerOutput"] == deep.decode()


SETTLED = st.builds(
    Settled,
    st.integers(0, 10**9),
    st.one_of(
        st.text(st.characters(exclude_characters="\r\n", codec="utf-8")).map(str.encode),
        st.builds(RecordError, st.text(), st.text(st.characters(codec="utf-8")), st.integers(0, 9)),
    ),
    st.binary(max_size=20).map(lambda record: record.replace(b"\n", b"").replace(b"\r", b"")),
)


@given(
    st.lists(SETTLED, max_size=8),
    st.sampled_from(["csv", "jsonl", "text"]),
    st.sampled_from(["none", "input"]),
)
def test_there_is_one_line_for_each_record(settled: list[Settled], fmt: str, join: str) -> None:
    found = lines(style(fmt=fmt, join=join), *settled)

    assert len(found) == len(settled)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in found)


def errors(*settled: Settled) -> list[dict]:
    return [json.loads(line) for line in error_lines("f00d", settled)]


def test_only_failed_records_are_in_the_error_file() -> None:
    found = errors(Settled(0, b"1"), Settled(1, ERROR, b"2,b", 10, 13))

    assert found == [
        {
            "id": "f00d:1",
            "record": 1,
            "start": 10,
            "end": 13,
            "error": "ModelError",
            "message": ERROR.message,
            "attempts": 3,
            "input": "2,b",
        }
    ]


def test_a_record_that_is_no_text_is_quoted_in_base64() -> None:
    (found,) = errors(Settled(1, ERROR, b"\xff\x00"))

    assert base64.b64decode(found["input_base64"]) == b"\xff\x00"


def test_a_long_record_is_quoted_in_part() -> None:
    exact, long = b"x" * MAXIMUM_QUOTED_RECORD, "é".encode() * MAXIMUM_QUOTED_RECORD

    whole, part = errors(Settled(0, ERROR, exact), Settled(1, ERROR, long))

    assert whole["input"] == exact.decode()
    assert part["input"] == "é" * (MAXIMUM_QUOTED_RECORD // 2)
    assert part["input_truncated"] is True


def test_a_record_that_is_not_there_as_a_whole_is_not_joined() -> None:
    error = RecordError("RecordTooLarge", "too long", 0)
    cut = Settled(0, error, record=b'1,"a quote that is not clos', end=10_000, cut=True)

    (line,) = lines(style(join="input"), cut)

    ((record, cell),) = csv.reader(io.StringIO(line.decode()))
    assert record == ""
    assert json.loads(cell)["error"] == "RecordTooLarge"
