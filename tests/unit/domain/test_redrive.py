"""Lines that come back, and what they may be merged into."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.delivered import Delivered
from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Invoke
from penstock.domain.job import Job, JobStatus, Source, Tally, Totals
from penstock.domain.json_text import dumps
from penstock.domain.manifest import Effort, Ending, StoredObject, build_manifest
from penstock.domain.pipeline import Pipeline
from penstock.domain.redrive import lines_of, parse_failed_record
from penstock.domain.redrive_plan import LARGEST_MERGE, plan_redrive
from penstock.domain.splitting import Dialect, Format, find_record_fault, split_records

KEY = "in/x.csv"
MANIFEST = StoredObject("output", f"{KEY}.manifest.json", 100, "etag", "v")


def delivered(**changes: Any) -> Delivered:
    job = Job("f00d", Source("input", KEY, 9, "etag", "v"), Pipeline(Invoke("demo")), 1, 0.0)
    outputs = {
        name: StoredObject("output", f"{KEY}.{suffix}", 100, "etag", "v")
        for name, suffix in (("predictions", "out"), ("errors", "errors.jsonl"))
    }
    ending = Ending(JobStatus.PARTIAL, None, Tally(2, 1), Effort(), 9.0, outputs, 3)
    split = replace(job, totals=Totals(3, 1, 1, (0, 4)))
    return Delivered.parse(dumps(build_manifest(split, ending) | changes), MANIFEST.key)


def test_a_manifest_is_read_back() -> None:
    found = delivered()

    assert (found.job_id, found.source.key, found.header) == ("f00d", KEY, (0, 4))
    assert (found.tally, found.rows, found.lines) == (Tally(2, 1), 3, 3)
    assert found.latest_redrive is None


def test_what_would_take_too_long_is_refused_before_anything_is_spent() -> None:
    def plan(size: int) -> Any:
        dropped = Source("input", f"{KEY}.errors.jsonl", size, "etag", "v")
        return plan_redrive(dropped, KEY, MANIFEST, delivered())

    largest = (LARGEST_MERGE - 100 - 2 * 100) // 2

    assert plan(largest).failed == 1
    with pytest.raises(PermanentError, match="OutputTooLarge"):
        plan(largest + 1)


@given(st.binary(max_size=50), st.integers(1, 7))
def test_lines_are_those_of_the_file_wherever_it_is_cut(body: bytes, size: int) -> None:
    blocks = [body[at : at + size] for at in range(0, len(body), size)]

    assert list(lines_of(blocks)) == body.removesuffix(b"\n").split(b"\n") if body else [b""]


def test_a_line_that_does_not_end_is_refused_before_it_fills_the_memory() -> None:
    read = []

    def endless() -> Any:
        yield b"\n"
        for number in range(100):
            read.append(number)
            yield b"x" * 10

    with pytest.raises(PermanentError, match="line 2: it has more than 25 bytes"):
        list(lines_of(endless(), longest=25))

    assert len(read) == 3


@given(st.binary(max_size=20) | st.text(max_size=20).map(str.encode), st.sampled_from(Format))
def test_what_is_one_record_is_one_between_others(record: bytes, fmt: Format) -> None:
    dialect = Dialect(fmt)
    if find_record_fault(record, dialect):
        return

    found = split_records(b"1\n" + record + b"\n2\n", dialect)

    assert found == [b"1", record.removesuffix(b"\r"), b"2"]


@pytest.mark.parametrize("body", [b"1", b"null", b'"x"', b"{}", b'{"id":1}', b"\xff"])
def test_what_is_no_line_of_an_error_file_is_refused(body: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        parse_failed_record(body)

    assert caught.value.code == "InvalidRedrive"
