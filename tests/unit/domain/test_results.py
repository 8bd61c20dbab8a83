"""From a model's response to one result per record."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.results import check_count, split_results

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("body", "content_type", "results"),
    [
        (b"1\n2\n", "text/csv", [b"1", b"2"]),
        (b'1,"a\nb"\r\n2,c', "text/csv; charset=utf-8", [b'1,"a\nb"', b"2,c"]),
        (b"one\n\nthree\n", "text/plain", [b"one", b"", b"three"]),
        (b'{"a":1}\n\n{"a":2}\n', "application/jsonlines", [b'{"a":1}', b'{"a":2}']),
        (b"1\r\n2", "application/x-ndjson", [b"1", b"2"]),
        (b"[1, [2], null]", "application/json", [b"1", b"[2]", b"null"]),
        (b'{"predictions": [0.5, "x"]}', "application/json", [b"0.5", b'"x"']),
        (b"a\nb\n", "application/x-unknown", [b"a", b"b"]),
        (b"", "text/csv", []),
        (b"[]", "application/json", []),
    ],
)
def test_each_kind_of_response_is_split(
    body: bytes, content_type: str, results: list[bytes]
) -> None:
    assert split_results(body, content_type, None) == results


@given(st.lists(JSON, max_size=6))
def test_json_results_are_lines_that_hold_the_same(documents: list[Any]) -> None:
    body = json.dumps({"predictions": documents}).encode()

    results = split_results(body, "application/json", None)

    assert [json.loads(result) for result in results] == documents
    assert not any(b"\n" in result for result in results)


def test_a_selection_finds_the_list_in_a_document() -> None:
    body = b'{"outputs": [{"data": [1, 2]}]}'

    results = split_results(body, "application/json", lambda found: found["outputs"][0]["data"])

    assert results == [b"1", b"2"]


def test_a_selection_is_made_from_each_line() -> None:
    results = split_results(
        b'{"y": 1}\n{"y": [2]}\n', "application/jsonlines", lambda line: line["y"]
    )

    assert results == [b"1", b"[2]"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"3", "application/json"),
        (b'{"other": [1]}', "application/json"),
        (b'{"predictions": {"a": 1}}', "application/json"),
        (b"\xff", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"[" * 900 + b"]" * 900, "application/json"),
    ],
)
def test_a_document_without_results_is_refused(body: bytes, content_type: str) -> None:
    try:
        results = split_results(body, content_type, None)
    except PermanentError as error:
        assert error.code == "UnreadableResponse"  # noqa: PT017
    else:
        assert len(results) == 1


@pytest.mark.parametrize("line", [b"{", b"\xff", b"[" * 100_000])
def test_a_line_that_cannot_be_read_is_refused_when_something_is_selected(line: bytes) -> None:
    with pytest.raises(PermanentError, match="UnreadableResponse"):
        split_results(line + b"\n", "application/jsonlines", lambda found: found)


def test_as_many_results_as_records_are_taken() -> None:
    check_count([b"1", b"2"], 2)


@pytest.mark.parametrize("results", [[], [b"1"], [b"1", b"2", b"3"]])
def test_another_number_of_results_is_refused(results: list[bytes]) -> None:
    with pytest.raises(PermanentError, match="for 2 records") as caught:
        check_count(results, 2)

    assert caught.value.code == "WrongResultCount"
