import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.domain.identity import job_id_of
from penstock.domain.job import Failure, Job, JobStatus, Redrive, Source, Tally
from penstock.domain.manifest import Effort, Ending, build_manifest
from tests.unit.cli.world import STACK, World, finished, job_of, running

KEY = "digits/digits.csv"
DROPPED = f"{KEY}.errors.jsonl"
LINES = [
    {"record": 1, "start": 4, "end": 7, "error": "ModelError", "message": "no", "input": "3,4"},
    {"record": 2, "start": 8, "end": 11, "error": "ModelError", "message": "no", "input": "5,6"},
]


@pytest.fixture
def job(world: World) -> Job:
    """Of three records; two failed."""
    return world.put(finished(running(job_of(), 3, 1), failed=2))


@pytest.fixture
def lines(world: World, job: Job) -> list[dict[str, Any]]:
    return deliver(world, job)


def deliver(world: World, job: Job, failed: int = 2) -> list[dict[str, Any]]:
    lines = [{"id": f"{job.job_id}:{line['record']}", **line, "attempts": 1} for line in LINES]
    bodies = {"predictions": b"1\n2\n3\n", "errors": jsonl(lines[:failed])}
    stored = world.deliver(job, **{name: body for name, body in bodies.items() if body})
    ending = Ending(job.status, job.failure, Tally(3 - failed, failed), Effort(), 0.0, stored, 3)
    write_manifest(world, build_manifest(job, ending))
    return lines


def write_manifest(world: World, document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    world.s3.put_object(Bucket="outputs", Key=f"{KEY}.manifest.json", Body=body)


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def dropped(world: World) -> tuple[str, bytes]:
    """The job that follows from what was uploaded, and its body."""
    answer = world.s3.get_object(Bucket="inputs", Key=DROPPED)
    return job_id_of("inputs", DROPPED, answer["VersionId"]), answer["Body"].read()


@pytest.mark.parametrize(
    "reference", [KEY, "digits.csv", f"s3://inputs/{KEY}", job_of().job_id, job_of().job_id[:6]]
)
def test_the_error_file_is_dropped_beside_the_file(
    world: World, lines: list[dict[str, Any]], reference: str
) -> None:
    result = world.penstock("redrive", reference)

    assert result.exit_code == 0, result.stderr
    job_id, body = dropped(world)
    assert body == jsonl(lines)
    assert result.stdout == (
        f"job          {job_id}\n"
        "records      2 of 2 that failed\n"
        f"input        s3://inputs/{DROPPED}\n"
        f"predictions  s3://outputs/{KEY}.out\n"
    )


def test_a_file_that_the_table_has_forgotten_is_known_by_its_key(world: World) -> None:
    lines = deliver(world, finished(running(job_of(), 3, 1), failed=2))

    result = world.penstock("redrive", KEY)

    assert result.exit_code == 0, result.stderr
    assert dropped(world)[1] == jsonl(lines)


def test_mended_lines_are_dropped_instead(
    world: World, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    mended = jsonl([lines[1] | {"input": "7,8"}])
    (tmp_path / "mended.jsonl").write_bytes(mended)

    result = world.penstock("redrive", KEY, "--records", tmp_path / "mended.jsonl")

    assert result.exit_code == 0, result.stderr
    assert dropped(world)[1] == mended
    assert "records      1 of 2 that failed\n" in result.stdout


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda lines: lines[::-1], "line 2: record 1 comes after record 2; sort the lines"),
        (lambda lines: [lines[0] | {"input": "1\n2"}], "line 1: `input` has a line end that ends"),
        (lambda lines: [lines[0] | {"id": "f00d:1"}], "line 1: its id 'f00d:1' is not of job"),
        (lambda lines: [], "the file has no lines"),
    ],
)
def test_a_wrong_line_is_refused_before_the_upload(
    world: World,
    lines: list[dict[str, Any]],
    tmp_path: Path,
    spoil: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    told: str,
) -> None:
    path = tmp_path / "mended.jsonl"
    path.write_bytes(jsonl(spoil(lines)))

    result = world.penstock("redrive", KEY, "--records", path)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {path}: {told}")
    assert "Contents" not in world.s3.list_objects_v2(Bucket="inputs")


def test_waiting_ends_with_what_became_of_the_records(
    world: World, job: Job, lines: list[dict[str, Any]]
) -> None:
    def end() -> None:
        job_id, body = dropped(world)
        redriving = merged(job, job_id, len(body), succeeded=1)
        world.put(redriving)

    world.time.plan = [(3, end)]

    result = world.penstock("redrive", KEY, "--wait")

    assert result.exit_code == 1
    assert "PARTIAL  3 records: 2 predicted, 1 failed" in result.stdout
    assert result.stdout.endswith("2 records redriven: 1 predicted\n")


def merged(job: Job, job_id: str, size: int, succeeded: int) -> Job:
    place = Source("outputs", "x", 1, "etag")
    redriving = replace(
        running(job, 2, 1),
        job_id=job_id,
        source=Source("inputs", DROPPED, size, "etag", "2"),
        redrive=Redrive(job.job_id, job.source, place, place, place, records=3, failed=2),
    )
    ended = finished(redriving, failed=1)
    assert ended.summary
    summary = ended.summary | {
        "records": {"total": 3, "succeeded": 2, "failed": 1},
        "redrive": {"of": job.job_id, "records": 2, "succeeded": succeeded},
    }
    return replace(ended, summary=summary)


def test_results_of_a_redrive_are_those_of_its_file(
    world: World, job: Job, lines: list[dict[str, Any]]
) -> None:
    redriving = world.put(merged(job, "0123456789abcdef0123", 100, succeeded=1))

    assert world.penstock("results", redriving.job_id).output == "1\n2\n3\n"
    assert world.penstock("results", job.job_id).output == "1\n2\n3\n"


def test_no_errors_are_left_where_a_redrive_mended_them_all(world: World) -> None:
    failure = Failure("NothingSucceeded", "no record was predicted")
    job = world.put(finished(running(job_of(), 3, 1), 3, JobStatus.FAILED, failure))
    deliver(world, replace(job, status=JobStatus.SUCCEEDED, failure=None), failed=0)

    result = world.penstock("results", job.job_id, "--errors")

    assert (result.exit_code, result.output) == (0, "")


def test_the_details_of_a_redrive_name_the_job_that_it_is_of(world: World, job: Job) -> None:
    redriving = world.put(merged(job, "0123456789abcdef0123", 100, succeeded=1))

    details = world.penstock("status", redriving.job_id).output

    assert f"redrive of   job {job.job_id}\n" in details


def test_a_job_that_runs_cannot_be_redriven_yet(world: World) -> None:
    job = world.put(running(job_of(), 3, 1))

    result = world.penstock("redrive", job.job_id)

    assert result.exit_code == 1
    assert "is RUNNING; wait for its end" in result.stderr


def test_a_job_that_delivered_nothing_cannot_be_redriven(world: World) -> None:
    failure = Failure("InvalidPipeline", "line 3")
    job = world.put(finished(job_of(), 0, JobStatus.FAILED, failure))
    world.deliver(job)

    result = world.penstock("redrive", job.job_id)

    assert result.exit_code == 1
    assert f"delivered nothing: mend what its manifest says is wrong, and drop {KEY}" in (
        result.stderr
    )


def test_a_job_without_failures_cannot_be_redriven(world: World, job: Job) -> None:
    deliver(world, job, failed=0)

    result = world.penstock("redrive", KEY)

    assert result.exit_code == 1
    assert "nothing to run again" in result.stderr


def test_outputs_of_a_later_job_are_not_redriven_in_its_stead(
    world: World, job: Job, lines: list[dict[str, Any]]
) -> None:
    later = job_of(version="2")
    deliver(world, finished(running(later, 3, 1), failed=2))

    result = world.penstock("redrive", job.job_id)

    assert result.exit_code == 1
    assert f"were overwritten by job {later.job_id} of the same key; redrive that" in result.stderr


@pytest.mark.parametrize("reference", ["nobody.csv", "0123456789abcdef0123", "s3://other/x.csv"])
def test_what_nobody_knows_is_wrong_usage(world: World, reference: str) -> None:
    assert world.penstock("redrive", reference).exit_code == 2


def test_outputs_that_are_gone_are_told(world: World, job: Job) -> None:
    result = world.penstock("redrive", job.job_id)

    assert result.exit_code == 1
    assert "has no outputs any more; drop its file again" in result.stderr


def test_what_would_take_too_long_is_refused_before_the_upload(
    world: World, job: Job, lines: list[dict[str, Any]]
) -> None:
    answer = world.s3.get_object(Bucket=STACK.output_bucket, Key=f"{KEY}.manifest.json")
    manifest = json.loads(answer["Body"].read())
    manifest["outputs"]["predictions"]["size"] = 10**12
    write_manifest(world, manifest)

    result = world.penstock("redrive", KEY)

    assert result.exit_code == 1
    assert "drop the records that failed as a file of their own" in result.stderr
