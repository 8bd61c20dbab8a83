"""How a job ends, and what is said of it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Invoke
from penstock.domain.job import Failure, Job, JobStatus, Source, Stop, Tally, Totals, final_status
from penstock.domain.manifest import (
    Effort,
    Ending,
    StoredObject,
    build_manifest,
    build_summary,
    iso,
)
from penstock.domain.pipeline import Input, Output, Pipeline

PIPELINE = Pipeline(Invoke("demo"), source="in/_pipeline.yaml")
JOB = Job(
    "0" * 20,
    Source("input", "in/a.csv", 100, "etag", "v1"),
    PIPELINE,
    region_bytes=64,
    created_at=1_800_000_000.0,
    totals=Totals(3, 2, 1),
    split_at=1_800_000_001.5,
)
ENDING = Ending(
    JobStatus.PARTIAL,
    None,
    Tally(2, 1),
    Effort(attempts=4, retries=2, staged=1),
    1_800_000_010.25,
    {"predictions": StoredObject("output", "in/a.csv.out", 12, "e", "v2", "CRC32:x")},
)


@pytest.mark.parametrize(
    ("tally", "status", "code"),
    [
        (Tally(0, 0), JobStatus.SUCCEEDED, None),
        (Tally(5, 0), JobStatus.SUCCEEDED, None),
        (Tally(5, 1), JobStatus.PARTIAL, None),
        (Tally(0, 5), JobStatus.FAILED, "NothingSucceeded"),
        (Tally(5, 2, unfinished=1), JobStatus.EXPIRED, "DeadlineExceeded"),
        (Tally(0, 2, unfinished=2), JobStatus.EXPIRED, "DeadlineExceeded"),
    ],
)
def test_a_job_ends_as_its_records_did(tally: Tally, status: JobStatus, code: str | None) -> None:
    found, failure = final_status(JOB, tally)

    assert found is status
    assert (failure.code if failure else None) == code


CANCEL = Stop(JobStatus.CANCELLED, "Cancelled", "the job was cancelled", 1.0)
BREAKER = Stop(JobStatus.FAILED, "TooManyFailures", "nothing works", 1.0)


@pytest.mark.parametrize(
    ("stop", "tally", "status"),
    [
        (CANCEL, Tally(5, 2, unfinished=1), JobStatus.CANCELLED),
        (CANCEL, Tally(5, 2), JobStatus.PARTIAL),  # it came too late to matter
        (CANCEL, Tally(5, 0), JobStatus.SUCCEEDED),
        (BREAKER, Tally(5, 2, unfinished=1), JobStatus.FAILED),
        (BREAKER, Tally(0, 2), JobStatus.FAILED),
    ],
)
def test_a_job_that_was_stopped_ends_as_it_was_told_to(
    stop: Stop, tally: Tally, status: JobStatus
) -> None:
    found, failure = final_status(replace(JOB, stop=stop), tally)

    assert found is status
    assert (failure == Failure(stop.code, stop.message)) == (status is stop.status)


def test_a_failed_record_may_fail_the_job() -> None:
    strict = replace(PIPELINE, output=Output(on_error="fail"))

    status, failure = final_status(replace(JOB, pipeline=strict), Tally(99, 1))

    assert status is JobStatus.FAILED
    assert failure == Failure(
        "RecordsFailed", "1 records failed and output.on_error is fail; see the error file"
    )


@given(st.integers(1, 1000), st.integers(1, 1000), st.floats(0, 100))
def test_a_job_fails_exactly_beyond_its_tolerance(good: int, bad: int, tolerated: float) -> None:
    tolerant = replace(PIPELINE, tolerated_failure_percentage=tolerated)

    status, failure = final_status(replace(JOB, pipeline=tolerant), Tally(good, bad))

    beyond = 100 * bad / (good + bad) > tolerated
    assert status is (JobStatus.FAILED if beyond else JobStatus.PARTIAL)
    assert (failure is not None) == beyond


def test_five_statuses_end_a_job_and_two_of_them_well() -> None:
    ended = [status for status in JobStatus if status.terminal]

    assert ended == ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED", "EXPIRED"]
    assert [status for status in JobStatus if status.successful] == ["SUCCEEDED", "PARTIAL"]


def test_a_deadline_counts_from_the_jobs_beginning() -> None:
    assert replace(JOB, pipeline=replace(PIPELINE, deadline=60)).deadline_at == 1_800_000_060.0


def test_a_pipeline_comes_back_from_its_snapshot() -> None:
    document = json.loads(json.dumps(JOB.snapshot()))

    assert Pipeline.from_json(document["pipeline"]) == PIPELINE
    assert Source(**document["source"]) == JOB.source


@pytest.mark.parametrize(
    ("key", "fmt", "content_type"),
    [
        ("in/a.csv", "csv", "text/csv"),
        ("in/A.CSV", "csv", "text/csv"),
        ("in/a.jsonl", "jsonl", "application/jsonlines"),
        ("in/a.ndjson", "jsonl", "application/jsonlines"),
        ("in/a.txt", "text", "text/plain"),
        ("in.csv/a", "text", "text/plain"),
        ("in/a.csv.bak", "text", "text/plain"),
    ],
)
def test_a_files_name_tells_its_format(key: str, fmt: str, content_type: str) -> None:
    assert PIPELINE.format_of(key) == fmt
    assert PIPELINE.content_type_of(key) == PIPELINE.accept_of(key) == content_type


def test_a_format_that_is_given_counts_whatever_the_name() -> None:
    given_format = replace(PIPELINE, input=Input("jsonl"))

    assert given_format.format_of("a.csv") == "jsonl"


def test_what_is_asked_for_is_what_is_sent_unless_it_is_said() -> None:
    sent = replace(PIPELINE, invoke=Invoke("demo", content_type="application/json"))
    asked = replace(PIPELINE, invoke=Invoke("demo", accept="text/plain"))

    assert sent.accept_of("a.csv") == "application/json"
    assert (asked.content_type_of("a.csv"), asked.accept_of("a.csv")) == ("text/csv", "text/plain")


def test_the_manifest_says_what_came_of_the_job() -> None:
    manifest = build_manifest(JOB, ENDING)

    assert json.loads(json.dumps(manifest)) == manifest | {
        "pipeline": json.loads(json.dumps(manifest["pipeline"]))
    }
    assert manifest["status"] == "PARTIAL"
    assert manifest["records"] == {"total": 3, "succeeded": 2, "failed": 1}
    assert (manifest["chunks"], manifest["attempts"], manifest["retries"]) == (2, 4, 2)
    assert manifest["timings"] == {
        "created_at": "2027-01-15T08:00:00.000Z",
        "split_at": "2027-01-15T08:00:01.500Z",
        "finished_at": "2027-01-15T08:00:10.250Z",
        "seconds": 10.25,
    }
    assert manifest["outputs"]["predictions"]["checksum"] == "CRC32:x"


def test_the_manifest_of_a_job_that_was_never_split_has_no_chunks() -> None:
    failed = replace(ENDING, status=JobStatus.FAILED, failure=Failure("X", "y"), outputs={})

    manifest = build_manifest(replace(JOB, totals=None, split_at=None), failed)

    assert manifest["chunks"] == 0
    assert manifest["timings"]["split_at"] is None
    assert manifest["failure"] == {"code": "X", "message": "y"}


def test_the_summary_is_the_manifest_without_its_bulk() -> None:
    summary = build_summary(JOB, ENDING, "s3://output/in/a.csv.manifest.json")

    assert summary == {
        "job_id": "0" * 20,
        "status": "PARTIAL",
        "pipeline": "in",
        "input": "s3://input/in/a.csv",
        "records": {"total": 3, "succeeded": 2, "failed": 1},
        "failure": None,
        "outputs": {"predictions": "s3://output/in/a.csv.out"},
        "manifest": "s3://output/in/a.csv.manifest.json",
        "seconds": 10.25,
    }


def test_moments_are_told_in_utc_to_the_millisecond() -> None:
    assert iso(0.0015) == "1970-01-01T00:00:00.001Z"


def test_efforts_add_up() -> None:
    assert Effort(1, 2, 3) + Effort(10, 20, 30) == Effort(11, 22, 33)


def test_an_error_has_a_code_to_group_by_and_a_message_for_people() -> None:
    error = PermanentError("ObjectNotFound", "s3://b/k does not exist")

    assert (error.code, error.message) == ("ObjectNotFound", "s3://b/k does not exist")
    assert str(error) == "ObjectNotFound: s3://b/k does not exist"
