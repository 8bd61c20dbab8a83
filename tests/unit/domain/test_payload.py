"""From records to the body of one invocation."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.payload import (
    Payload,
    Rejection,
    build_payload,
    check_content_type,
    find_rejections,
    media_type,
    without,
)
from penstock.domain.pipeline import Format

RECORDS = st.lists(st.one_of(st.binary(max_size=8), st.text(max_size=8).map(str.encode)))


@pytest.mark.parametrize("fmt", ["csv", "text"])
def test_records_that_are_not_utf8_are_rejected_where_they_stand(fmt: Format) -> None:
    records = [b"a", b"b\xff", "é".encode(), b"\xed\xa0\x80"]

    first, second = find_rejections(fmt, records)

    assert (first.position, first.code) == (1, "InvalidUtf8")
    assert first.message.startswith("byte 1 of the record")
    assert second.position == 3


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"nonsense",
        b"{'a': 1}",
        b'{"a": 1} {"b": 2}',
        b"[" * 100_000,
        b"9" * 5000,
        b"\xff\xfe1\x00",
        b"1\x00",
        b'\xef\xbb\xbf{"a": 1}',
    ],
)
def test_lines_that_are_no_json_are_rejected(line: bytes) -> None:
    (rejection,) = find_rejections("jsonl", [b"1", line, b"null"])

    assert rejection.position == 1
    assert rejection.code in {"InvalidJson", "InvalidUtf8"}


@pytest.mark.parametrize("line", [b"0", b"null", b'"\\u00e9"', b"  [1, 2] ", b'{"a": {}}\t'])
def test_lines_that_are_json_are_sent(line: bytes) -> None:
    assert find_rejections("jsonl", [line]) == []


@given(st.sampled_from(["csv", "jsonl", "text"]), RECORDS)
def test_what_is_sent_and_what_is_rejected_are_all_records(
    fmt: Format, records: list[bytes]
) -> None:
    rejections = find_rejections(fmt, records)

    sent = without(records, rejections)

    assert len(sent) + len(rejections) == len(records)
    assert find_rejections(fmt, sent) == []
    assert all(record.decode() is not None for record in sent)


def test_rejections_are_found_in_order() -> None:
    rejections = [Rejection(0, "a", ""), Rejection(2, "a", "")]

    assert without([b"0", b"1", b"2", b"3"], rejections) == [b"1", b"3"]


def test_lines_are_sent_with_a_newline_each() -> None:
    assert build_payload("text/csv", [b"1", b'"2\n"'], None) == Payload(b'1\n"2\n"\n', 2)


def test_a_header_goes_first_and_owes_no_result() -> None:
    assert build_payload("text/csv", [b"1"], b"id") == Payload(b"id\n1\n", 1)


@given(st.lists(st.recursive(st.integers() | st.text(), st.lists, max_leaves=5), max_size=5))
def test_json_lines_are_wrapped_for_a_json_model(documents: list) -> None:
    lines = [json.dumps(document).encode() for document in documents]

    payload = build_payload("Application/JSON; charset=utf-8", lines, None)

    assert json.loads(payload.body) == {"instances": documents}
    assert payload.sent == len(documents)


@pytest.mark.parametrize("fmt", ["csv", "text"])
def test_rows_and_lines_cannot_be_sent_as_json(fmt: Format) -> None:
    with pytest.raises(PermanentError, match="ContentTypeMismatch"):
        check_content_type(fmt, "application/json")


def test_json_lines_can_be_sent_as_json_and_rows_as_anything_else() -> None:
    check_content_type("jsonl", "application/json")
    check_content_type("csv", "application/x-rows")


@pytest.mark.parametrize(
    ("content_type", "media"),
    [("text/csv", "text/csv"), (" Text/CSV ; header=present", "text/csv"), ("", "")],
)
def test_a_media_type_has_no_parameters(content_type: str, media: str) -> None:
    assert media_type(content_type) == media
