from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result

from penstock.domain.errors import PermanentError
from penstock.domain.identity import job_id_of
from penstock.domain.job import Failure, Job, JobStatus
from penstock_cli.aws import upload
from penstock_cli.errors import WrongUsageError
from penstock_cli.submit import input_key, submit
from tests.unit.cli.world import World, finished, job_of, running


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "digits.csv"
    path.write_bytes(b"1,2\n3,4\n")
    return path


def accept(world: World, key: str = "digits/digits.csv") -> Job:
    """The job of what now lies under the key, as accept_upload would create it."""
    version = world.s3.head_object(Bucket="inputs", Key=key)["VersionId"]
    return job_of(key, version)


@pytest.mark.parametrize(
    ("pipeline", "name", "key"),
    [
        (None, None, "digits.csv"),
        ("digits", None, "digits/digits.csv"),
        ("/team/digits/", None, "team/digits/digits.csv"),
        ("digits", "today.csv", "digits/today.csv"),
        ("/", None, "digits.csv"),
    ],
)
def test_a_file_goes_under_the_prefix_of_its_pipeline(file, pipeline, name, key):
    assert input_key(file, pipeline, name) == key


@pytest.mark.parametrize("name", ["_pipeline.yaml", ".hidden.csv", "_notes.csv"])
def test_a_name_that_starts_no_job_is_refused_before_the_upload(file, name):
    with pytest.raises(WrongUsageError, match="starts no job"):
        input_key(file, "digits", name)


def test_a_name_like_an_output_is_refused_with_a_better_one(file):
    with pytest.raises(WrongUsageError, match=r"rename the file, .* digits\.csv .*--name"):
        input_key(file, "digits", "digits.csv.out")


def test_the_job_id_follows_from_the_version_that_was_uploaded(world, file):
    first = submit(world.connection, file, "digits.csv")
    second = submit(world.connection, file, "digits.csv")

    version = world.s3.head_object(Bucket="inputs", Key="digits.csv")["VersionId"]
    assert second.job_id == job_id_of("inputs", "digits.csv", version)
    assert second.job_id != first.job_id


def test_a_bucket_without_versions_is_told_after_the_upload(world, file):
    world.s3.put_bucket_versioning(Bucket="inputs", VersioningConfiguration={"Status": "Suspended"})

    with pytest.raises(PermanentError, match=r"keeps no versions.*penstock status digits.csv"):
        submit(world.connection, file, "digits.csv")


def test_the_null_version_of_a_bucket_whose_versioning_is_suspended_is_none(file):
    s3 = SimpleNamespace(put_object=lambda **_: {"VersionId": "null"})

    assert upload(s3, file, ("inputs", "digits.csv"), print) is None


def test_submit_prints_the_job_and_where_its_predictions_will_be(world, file):
    result = world.penstock("submit", file, "--pipeline", "digits")

    assert result.exit_code == 0
    assert result.output == (
        f"job          {accept(world).job_id}\n"
        "input        s3://inputs/digits/digits.csv\n"
        "predictions  s3://outputs/digits/digits.csv.out\n"
    )


def wait(world: World, file: Path, end: Callable[[Job], Job]) -> Result:
    """Submits and waits; the job runs as `end` tells its job as it was accepted."""

    def run() -> None:
        job = running(accept(world), records=1_000, chunks=10)
        world.time.plan = [
            (2, lambda: world.put(job)),
            (4, lambda: world.mark(job.job_id, "chunks.00000", 0, 1, 2)),
            (12, lambda: world.mark(job.job_id, "chunks.00000", 3, 4, 5)),
            (30, lambda: world.put(end(job))),
        ]

    world.time.plan = [(0.1, run)]
    return world.penstock("submit", file, "--pipeline", "digits", "--wait")


def test_waiting_ends_with_counts_seconds_and_outputs(world, file):
    result = wait(world, file, finished)

    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[3:8] == [
        "        0.0s  WAITING     for the upload to be accepted",
        "        2.1s  RUNNING     0 of 1,000 records (0%)",
        "        8.1s  RUNNING     300 of 1,000 records (30%), 50/s, 14s left",
        "         13s  RUNNING     600 of 1,000 records (60%), 55/s, 7.3s left",
        "         30s  SUCCEEDED   1,000 of 1,000 records (100%)",
    ]
    assert lines[8:] == [
        "SUCCEEDED  1,000 records: 1,000 predicted, in 1m 00s",
        "  predictions  s3://outputs/digits/digits.csv.out",
        "  manifest     s3://outputs/digits/digits.csv.manifest.json",
    ]


def test_waiting_for_a_partial_job_exits_with_1(world, file):
    result = wait(world, file, lambda job: finished(job, failed=3))

    assert result.exit_code == 1
    assert "PARTIAL  1,000 records: 997 predicted, 3 failed, in 1m 00s" in result.stdout


def test_waiting_for_a_failed_job_tells_the_reason_on_stderr(world, file):
    failure = Failure("ToleranceExceeded", "60% of the records failed; 5% are tolerated")
    result = wait(world, file, lambda job: finished(job, 600, JobStatus.FAILED, failure))

    assert result.exit_code == 1
    assert result.stderr == "ToleranceExceeded: 60% of the records failed; 5% are tolerated\n"
    assert "FAILED  1,000 records: 400 predicted, 600 failed" in result.stdout


@pytest.mark.parametrize("status", [JobStatus.EXPIRED, JobStatus.CANCELLED])
def test_waiting_for_a_job_that_was_ended_exits_with_1(world, file, status):
    result = wait(world, file, lambda job: finished(job, 1, status))

    assert result.exit_code == 1


def test_an_interrupted_wait_says_that_the_job_goes_on(world, file):
    def interrupt():
        raise KeyboardInterrupt

    world.time.plan = [(1, interrupt)]
    result = world.penstock("submit", file, "--pipeline", "digits", "--wait")

    assert result.exit_code == 130
    job_id = accept(world).job_id
    assert result.stderr == f"job {job_id} goes on; see `penstock status {job_id}`\n"


def test_an_unknown_file_is_a_usage_error(world, tmp_path):
    result = world.penstock("submit", tmp_path / "missing.csv")

    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_no_stack_at_all_is_a_usage_error(world, file):
    result = world.penstock("submit", file, stack=None)

    assert result.exit_code == 2
    assert result.stderr == (
        "Error: no local stack here (start one with `penstock local up`) "
        "and no --stack NAME of a deployed one\n"
    )


def test_the_stack_may_be_named_on_the_command_line_or_in_the_environment(world, file):
    world.penstock("submit", file, "--stack", "production", "--region", "eu-west-1", stack=None)
    world.penstock("submit", file, stack="staging")

    first, second = world.targets
    assert (first.stack, first.region) == ("production", "eu-west-1")
    assert second.stack == "staging"


def test_a_refusal_of_aws_exits_with_1(world, file):
    world.s3.delete_bucket(Bucket="inputs")

    result = world.penstock("submit", file)

    assert result.exit_code == 1
    assert result.stderr == "Error: s3://inputs/digits.csv does not exist (any more)\n"
