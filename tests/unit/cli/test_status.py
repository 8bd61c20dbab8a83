import json
from dataclasses import replace

import pytest

from penstock.domain.job import Failure, JobStatus, Stop
from tests.unit.cli.world import START, finished, job_of, running


def test_the_newest_jobs_are_a_table_that_is_whole_in_a_pipe(world):
    old = world.put(finished(running(job_of("digits/a.csv", created_at=START - 7_300), 50_000, 50)))
    new = world.put(job_of(f"digits/{'long' * 20}.csv", created_at=START - 20))

    result = world.penstock("status")

    assert result.exit_code == 0
    header, first, second = result.output.splitlines()
    assert header.split() == ["JOB", "STATUS", "PIPELINE", "FILE", "RECORDS", "STARTED", "TOOK"]
    assert first.split() == [
        *(new.job_id, "SPLITTING", "digits", new.source.key, "-", "20s", "ago", "-"),
    ]
    assert second.split() == [
        *(old.job_id, "SUCCEEDED", "digits", "digits/a.csv"),
        *("50,000", "2h", "ago", "1m", "00s"),
    ]


def test_the_limit_is_kept(world):
    for version in "123":
        world.put(job_of(version=version))

    assert len(world.penstock("status", "--limit", "2").output.splitlines()) == 3
    assert world.penstock("status", "--limit", "0").exit_code == 2


def test_without_any_job_the_way_to_the_first_is_told(world):
    result = world.penstock("status")

    assert result.exit_code == 0
    assert result.output == "no jobs yet: drop a file into s3://inputs, or `penstock submit`\n"


def test_the_list_as_json(world):
    job = world.put(job_of())

    listed = json.loads(world.penstock("status", "--json").output)

    assert [each["job_id"] for each in listed] == [job.job_id]


def test_a_running_job_shows_its_progress_and_deadline(world):
    job = world.put(running(job_of(), 9_000, 9))
    world.mark(job.job_id, "chunks.00000", 0, 4)
    world.time.seconds = START + 90

    result = world.penstock("status", job.job_id[:6])

    lines = [line.rstrip() for line in result.output.splitlines()]
    assert lines[:7] == [
        f"job       {job.job_id}",
        "status    RUNNING",
        "pipeline  digits",
        "endpoint  digits-endpoint (async)",
        "input     s3://inputs/digits/digits.csv, 1.2 MiB",
        "progress  2,000 of 9,000 records (22%)",
        "chunks    2 of 9 chunks in 1 segment",
    ]
    assert lines[8] == "split     1.5s after the start"
    assert lines[9].startswith("deadline  in 5h 58m, ")


def test_a_failed_job_shows_why_and_what_it_delivered(world):
    failure = Failure("NothingSucceeded", "no record was predicted")
    job = finished(running(job_of(), 10, 1), 10, JobStatus.FAILED, failure)
    world.put(job)

    output = world.penstock("status", "digits.csv").output

    assert "records      10 records: 0 predicted, 10 failed\n" in output
    assert "failure      NothingSucceeded: no record was predicted\n" in output
    assert "manifest     s3://outputs/digits/digits.csv.manifest.json\n" in output
    assert "deadline" not in output


def test_a_job_that_is_failing_before_its_end_shows_why(world):
    world.put(job_of(failure=Failure("InvalidPipeline", "line 3: unknown key")))

    assert "InvalidPipeline: line 3: unknown key" in world.penstock("status", "digits.csv").output


def test_one_job_as_json(world):
    job = world.put(running(job_of(), 9_000, 9))
    world.mark(job.job_id, "chunks.00000", 0, 4)
    world.time.seconds = START + 90

    document = json.loads(world.penstock("status", job.job_id, "--json").output)

    assert document == {
        "job_id": job.job_id,
        "status": "RUNNING",
        "pipeline": "digits",
        "input": {
            "bucket": "inputs",
            "key": "digits/digits.csv",
            "size": 1_234_567,
            "etag": "etag",
            "version_id": "1",
        },
        "totals": {"records": 9_000, "chunks": 9, "segments": 1, "header": None},
        "records": None,
        "failure": None,
        "stop": None,
        "outputs": {},
        "created_at": "2026-11-18T11:06:40.000Z",
        "split_at": "2026-11-18T11:06:41.500Z",
        "finished_at": None,
        "seconds": 90.0,
        "progress": {
            "regions": {"done": 1, "total": 1},
            "chunks": {"done": 2, "total": 9},
            "records": {"done": 2_000, "total": 9_000},
        },
    }


CANCEL = Stop(JobStatus.CANCELLED, "Cancelled", "cancelled by ann", START + 60)
BREAKER = Stop(JobStatus.FAILED, "TooManyFailures", "64 records in a row failed", START + 60)


@pytest.mark.parametrize(("stop", "word"), [(CANCEL, "CANCELLING"), (BREAKER, "FAILING")])
def test_a_stop_under_way_is_shown_and_told_apart_from_its_end(world, stop, word):
    job = world.put(running(job_of(stop=stop), 9_000, 9))

    listing = world.penstock("status").output
    details = world.penstock("status", job.job_id).output
    document = json.loads(world.penstock("status", job.job_id, "--json").output)

    assert word in listing
    assert f"status    {word}\n" in details
    assert f"stop      {stop.code}: {stop.message}\n" in details
    assert document["status"] == "RUNNING"
    assert document["stop"] == {
        "status": stop.status.value,
        "code": stop.code,
        "message": stop.message,
        "at": "2026-11-18T11:07:40.000Z",
    }


def test_a_cancelled_job_shows_how_it_ended(world):
    failure = Failure("Cancelled", "cancelled by ann")
    job = finished(running(job_of(stop=CANCEL), 10, 1), 4, JobStatus.CANCELLED, failure)
    world.put(job)

    output = world.penstock("status", "digits.csv").output

    assert "status       CANCELLED\n" in output
    assert "records      10 records: 6 predicted, 4 failed\n" in output
    assert "failure      Cancelled: cancelled by ann\n" in output
    assert "stop " not in output


def test_an_unknown_job_is_a_usage_error(world):
    result = world.penstock("status", "feedbeef")

    assert result.exit_code == 2
    assert "no job feedbeef" in result.stderr


def test_a_name_with_markup_is_printed_as_it_is(world):
    job = world.put(replace(job_of("[red]x[/red] :smile:.csv")))

    assert "[red]x[/red] :smile:.csv" in world.penstock("status").output
    assert "[red]x[/red] :smile:.csv" in world.penstock("status", job.job_id).output
