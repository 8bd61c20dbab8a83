"""Files that a model is run over by Batch Transform, without an endpoint."""

import json

import pytest

from examples.echo.echo_reference import expected_lines
from examples.inference_types.example import run
from examples.local_endpoint import client
from examples.transform.notes import BAD, EXAMPLE
from tests.e2e.chaos import HurriedSweep
from tests.e2e.harness import Stack, eventually
from tests.e2e.test_command_line import penstock
from tests.e2e.test_happy_paths import csv_with_notes, records_of

SLOWLY = 240.0
"""Seconds of patience with jobs that start a model server for each round of bisection."""

PIPELINE = "invoke: {mode: transform, model: echo, instance_type: ml.m5.large%s}\n"


def configure(echo: Stack, prefix: str, invoke: str = "", more: str = "") -> None:
    echo.configure(prefix, PIPELINE % invoke + more)


def jobs_of(echo: Stack, job_id: str) -> list[str]:
    """The transform jobs that SageMaker has had for the job."""
    found = client(echo.document, "sagemaker").list_transform_jobs(NameContains=job_id)
    return sorted(each["TransformJobName"] for each in found["TransformJobSummaries"])


def status_of(echo: Stack, name: str) -> str:
    found = client(echo.document, "sagemaker").describe_transform_job(TransformJobName=name)
    return str(found["TransformJobStatus"])


def test_a_header_quoted_newlines_instances_and_a_bad_record_are_all_handled(echo: Stack) -> None:
    configure(
        echo,
        "transform",
        ', instance_count: 2, content_type: "text/csv; header=present", accept: text/csv',
        "input: {header: send}\nchunk: {max_records: 8}\n",
    )
    records = records_of(csv_with_notes(100))
    records[42] = b"42,poison,x"
    body = b"id,note,padding\n" + b"\n".join(records) + b"\n"

    job_id = echo.drop("transform/notes.csv", body)
    delivered = echo.wait("transform/notes.csv", job_id, SLOWLY)

    expected = expected_lines(records)
    lines = [line for number, line in enumerate(delivered.lines) if number != 42]
    assert lines == expected[:42] + expected[43:]
    assert delivered.counts == (100, 99, 1)
    assert [error["record"] for error in delivered.errors] == [42]
    assert delivered.errors[0]["error"] == "ModelError"
    jobs = delivered.manifest["transform_jobs"]
    assert jobs[0]["chunks"] == 13
    assert [each["chunks"] for each in jobs[1:]] == [2, 2, 2]  # halves of eight, four, two
    assert all(each["billed_seconds"] > 0 for each in jobs)
    assert jobs_of(echo, job_id) == [each["name"] for each in jobs]


def test_the_example_delivers_what_its_model_says(echo: Stack) -> None:
    EXAMPLE.create(echo.document)

    finished = run(echo.document, EXAMPLE)

    pairs = enumerate(zip(finished.lines, EXAMPLE.expected, strict=True))
    assert [number for number, (line, expected) in pairs if line != expected] == [BAD]
    assert finished.manifest["status"] == "PARTIAL"


def test_a_file_that_is_one_request_is_transformed_as_it_is(echo: Stack) -> None:
    configure(echo, "transform-as-is", ", accept: text/csv")

    job_id = echo.drop("transform-as-is/plain.csv", b"1,2\n3,4\n")
    delivered = echo.wait("transform-as-is/plain.csv", job_id, SLOWLY)

    assert delivered.lines == expected_lines([b"1,2", b"3,4"])
    work = echo.document["work_bucket"]
    staged = echo.s3.list_objects_v2(Bucket=work, Prefix=f"transform/{job_id}/in/")
    assert staged["KeyCount"] == 0


def test_a_model_that_there_is_not_fails_the_job_with_sagemakers_words(echo: Stack) -> None:
    text = PIPELINE % "" + "chunk: {max_records: 1}\n"
    echo.configure("transform-missing", text.replace("model: echo", "model: nowhere"))

    job_id = echo.drop("transform-missing/rows.csv", b"1\n2\n3\n")
    delivered = echo.wait("transform-missing/rows.csv", job_id, SLOWLY)

    assert delivered.manifest["status"] == "FAILED"
    assert "nowhere" in delivered.manifest["failure"]["message"]
    assert jobs_of(echo, job_id) == []
    assert [each["status"] for each in delivered.manifest["transform_jobs"]] == ["Refused"]


def test_cancelling_stops_the_transform_job_and_delivers_what_is_done(echo: Stack) -> None:
    configure(echo, "transform-cancel", ", accept: text/csv", "chunk: {max_records: 1}\n")
    records = [b"row %d" % number for number in range(40)]
    key = "transform-cancel/rows.csv"
    with echo.faults({"fault": "slow_model", "endpoint": "penstock-*", "seconds": 3}):
        job_id = echo.drop(key, b"\n".join(records) + b"\n")
        outputs = f"transform/{job_id}/out/"
        eventually(lambda: some(echo, outputs), SLOWLY)
        cancelled = penstock("cancel", job_id, "--yes")
        delivered = echo.wait(key, job_id, SLOWLY)

    assert cancelled.returncode == 0, cancelled.stderr
    assert delivered.manifest["status"] == "CANCELLED"
    (name,) = jobs_of(echo, job_id)
    assert status_of(echo, name) == "Stopped"
    total, succeeded, failed = delivered.counts
    assert (total, succeeded + failed) == (40, 40)
    assert 0 < succeeded < 40
    unfinished = {error["record"] for error in delivered.errors}
    pairs = zip(delivered.lines, expected_lines(records), strict=True)
    for number, (line, expected) in enumerate(pairs):
        assert "Cancelled" in line if number in unfinished else line == expected


def some(echo: Stack, prefix: str) -> int | None:
    found = echo.s3.list_objects_v2(Bucket=echo.document["work_bucket"], Prefix=prefix)
    return found["KeyCount"] or None


def test_a_job_whose_event_is_lost_is_found_and_instances_are_waited_for(echo: Stack) -> None:
    invoke = ", accept: text/csv, instance_count: 2"
    configure(echo, "transform-lost", invoke, "chunk: {max_records: 1}\n")
    refused = echo.transforms_refused()
    lost = {"fault": "lost_event", "endpoint": "penstock-*", "times": 2}
    with echo.faults(lost), HurriedSweep(echo) as sweep:
        with echo.limits(transform_instances=1):
            job_id = echo.drop("transform-lost/rows.csv", b"1\n2\n")
            eventually(lambda: True if echo.transforms_refused() > refused else None, SLOWLY)
            before = jobs_of(echo, job_id)
        eventually(lambda: sweep.has_ended(job_id), SLOWLY)
        delivered = echo.wait("transform-lost/rows.csv", job_id, SLOWLY)

    assert before == []
    assert delivered.lines == expected_lines([b"1", b"2"])
    assert len(jobs_of(echo, job_id)) == 1


def test_a_record_that_ends_each_transform_job_costs_only_itself(echo: Stack) -> None:
    retry = "chunk: {max_records: 1}\nretry: {maximum_attempts: 2, maximum_interval: 1s}\n"
    configure(echo, "transform-fatal", ", accept: text/csv, max_retries: 1", retry)
    records = [b"fatal" if number == 3 else b"row %d" % number for number in range(20)]
    with echo.limits(transform_restarts=0):
        job_id = echo.drop("transform-fatal/rows.csv", b"\n".join(records) + b"\n")
        delivered = echo.wait("transform-fatal/rows.csv", job_id, SLOWLY)

    assert [error["record"] for error in delivered.errors] == [3]
    expected = expected_lines(records)
    assert delivered.lines[:3] + delivered.lines[4:] == expected[:3] + expected[4:]
    assert len(delivered.manifest["transform_jobs"]) > 2


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_sagemaker_may_make_the_requests_and_join_records_and_results(
    echo: Stack, strategy: str
) -> None:
    prefix = f"transform-{strategy}"
    configure(echo, prefix, f", strategy: {strategy}, join_source: input")
    records = [b'{"a": %d}' % number for number in range(5)]

    job_id = echo.drop(f"{prefix}/lines.jsonl", b"\n".join(records) + b"\n")
    delivered = echo.wait(f"{prefix}/lines.jsonl", job_id, SLOWLY)

    digests = [json.loads(line)["SageMakerOutput"]["digest"] for line in delivered.lines]
    assert digests == expected_lines(records)
    assert [json.loads(line)["a"] for line in delivered.lines] == list(range(5))
