"""Old rows, old error lines and new entries become a new output."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.merging import Entry, entries_of, entry_of, merge_steps, merged
from penstock.domain.output_lines import LineStyle, RecordError, Settled, error_lines, output_lines
from penstock.domain.output_rows import Rows, row_finder

STYLE = LineStyle("csv", "text/csv", "inline", "none")
ERROR = RecordError("ModelError", 'no "x", please\nthanks', 3)

rows = st.sampled_from([b"1", b'"a\nb"', b'"say ""no""\n"', b"", b"x" * 30, b'5" pipe'])


@st.composite
def cut_anywhere(draw, body: bytes) -> list[bytes]:
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(body) - 1)), max_size=6)))
    borders = [0, *(cut for cut in cuts if cut < len(body)), len(body)]
    return [body[start:end] for start, end in pairwise(borders) if start < end]


def code_of(call) -> str:
    with pytest.raises(PermanentError) as caught:
        call()
    return caught.value.code


@given(st.lists(st.builds(Entry, st.integers(0, 10**9), rows, rows)), st.data())
def test_entries_come_back_from_blocks_that_are_cut_anywhere(entries, data) -> None:
    body = b"".join(entry.to_bytes() for entry in entries)

    assert list(entries_of(data.draw(cut_anywhere(body)))) == entries


def test_a_piece_that_ends_within_an_entry_is_refused() -> None:
    body = Entry(7, b"row\n", b"").to_bytes()

    assert code_of(lambda: list(entries_of([body[:-1]]))) == "OutputMismatch"


@given(st.lists(rows, min_size=1), st.booleans(), st.data())
def test_rows_are_found_wherever_blocks_are_cut(found, plain, data) -> None:
    found = [row for row in found if not plain or b"\n" not in row]
    body = b"".join(row + b"\n" for row in found)
    wanted = data.draw(st.sets(st.integers(0, len(found) - 1))) if found else set()
    old = Rows(data.draw(cut_anywhere(body)), row_finder(STYLE, one_line_each=plain))

    passed: list[bytes] = []
    for number in sorted(wanted):
        passed += old.up_to(number)
        row = old.take()
        assert row == found[number] + b"\n"
        passed.append(row)
    passed += old.rest()

    assert b"".join(passed) == body
    assert old.number == len(found)


@pytest.mark.parametrize("body", [b"1\n2", b'1\n"2\n', b"1\n\n2"])
def test_an_output_without_its_last_line_end_is_refused(body: bytes) -> None:
    old = Rows([body], row_finder(STYLE, one_line_each=False))

    assert code_of(lambda: list(old.rest())) == "OutputMismatch"


def test_rows_that_are_not_there_are_refused() -> None:
    def old() -> Rows:
        return Rows([b"1\n2\n"], row_finder(STYLE, one_line_each=True))

    assert code_of(lambda: list(old().up_to(3))) == "OutputMismatch"
    past = old()
    assert b"".join(past.up_to(2)) == b"1\n2\n"
    assert code_of(past.take) == "OutputMismatch"


def output_of(settled: list[Settled], style: LineStyle) -> tuple[bytes, list[bytes]]:
    """Predictions and error lines, as one run writes them."""
    lines = b"".join(output_lines(style, settled))
    return lines, [line.removesuffix(b"\n") for line in error_lines("f00d", settled)]


results = st.one_of(rows.filter(bool), st.just(ERROR))


@given(
    st.lists(st.tuples(results, st.booleans(), results), min_size=1, max_size=20),
    st.sampled_from(["inline", "omit", "fail"]),
    st.sampled_from(["none", "input"]),
    st.data(),
)
def test_the_new_output_is_that_of_a_run_in_which_the_records_ended_as_they_did(
    records, on_error, join, data
) -> None:
    style = LineStyle("csv", "text/csv", on_error, join)
    before = [Settled(index, first, b"r,%d" % index) for index, (first, _, _) in enumerate(records)]
    again = [
        Settled(index, second, b"r,%d" % index)
        for index, (first, redriven, second) in enumerate(records)
        if redriven and first is ERROR
    ]
    after = {each.index: each for each in [*before, *again]}
    body, failed = output_of(before, style)
    old = Rows(data.draw(cut_anywhere(body)), row_finder(style, one_line_each=False))
    promised = sum(each.result is not ERROR or on_error != "omit" for each in before)

    steps = list(merge_steps(failed, [entry_of("f00d", style, each) for each in again]))
    new = b"".join(merged(old, steps, style, promised))

    expected, left = output_of(list(after.values()), style)
    assert new == expected
    assert b"".join(step.error for step in steps) == b"".join(line + b"\n" for line in left)


def test_an_entry_of_a_record_that_had_not_failed_is_refused() -> None:
    _, failed = output_of([Settled(0, b"1"), Settled(1, ERROR)], STYLE)

    steps = merge_steps(failed, [Entry(0, b"2\n", b"")])

    assert code_of(lambda: list(steps)) == "OutputMismatch"


def test_a_row_that_is_another_than_the_error_file_has_is_not_replaced() -> None:
    body, failed = output_of([Settled(0, b"1"), Settled(1, ERROR)], STYLE)
    old = Rows([b"2\n" + body], row_finder(STYLE, one_line_each=True))

    new = merged(old, merge_steps(failed, [Entry(1, b"2\n", b"")]), STYLE, 3)

    assert code_of(lambda: list(new)) == "OutputMismatch"


@pytest.mark.parametrize("fmt", ["jsonl", "text"])
def test_error_rows_are_known_in_every_format(fmt: str) -> None:
    style = LineStyle(fmt, "application/jsonlines", "inline", "input")  # type: ignore[arg-type]
    settled = [Settled(0, ERROR, b'{"a": [1]}'), Settled(1, b"2", b"[2]")]
    body, failed = output_of(settled, style)
    old = Rows([body], row_finder(style, one_line_each=False))

    new = merged(old, merge_steps(failed, [Entry(0, b"new\n", b"")]), style, 2)

    assert b"".join(new) == b"new\n" + body.splitlines(keepends=True)[1]


def test_rows_of_a_joined_file_have_its_delimiter() -> None:
    style = LineStyle("csv", "application/json", "inline", "input", ";")
    old = Rows([b'1;"a,\nb";0.5\n2;c;"d"\n'], row_finder(style, one_line_each=False))

    assert [old.take(), old.take()] == [b'1;"a,\nb";0.5\n', b'2;c;"d"\n']
