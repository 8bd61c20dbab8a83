import os
import subprocess
import sys

import pytest

from penstock.domain.job import Failure, JobStatus
from tests.unit.cli.world import finished, job_of, running

BODY = b"0.25\n0.5\n" * 200_000


@pytest.fixture
def job(world):
    done = world.put(finished(running(job_of(), 400_000, 40)))
    world.deliver(done, predictions=BODY)
    return done


def test_the_predictions_go_to_stdout_byte_by_byte(world, job):
    result = world.penstock("results", job.job_id)

    assert result.exit_code == 0
    assert result.stdout_bytes == BODY


def test_a_file_appears_whole_and_under_its_own_name_only(world, job, tmp_path):
    result = world.penstock("results", "digits.csv", "-o", tmp_path / "out.csv")

    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / "out.csv").read_bytes() == BODY
    assert [path.name for path in tmp_path.glob("out*")] == ["out.csv"]


def test_a_file_that_cannot_be_written_is_a_usage_error(world, job, tmp_path):
    result = world.penstock("results", job.job_id, "-o", tmp_path / "missing" / "out.csv")

    assert result.exit_code == 2
    assert "missing/out.csv: No such file or directory" in result.stderr


def test_the_errors_and_the_manifest_can_be_had_too(world):
    job = world.put(finished(running(job_of(), 2, 1), failed=1))
    world.deliver(job, predictions=b"1\n", errors=b'{"record": 1}\n')

    assert world.penstock("results", job.job_id, "--errors").output == '{"record": 1}\n'
    assert job.job_id in world.penstock("results", job.job_id, "--manifest").output


def test_the_errors_of_a_job_without_any_are_empty(world, job):
    result = world.penstock("results", job.job_id, "--errors")

    assert (result.exit_code, result.output) == (0, "")


def test_an_empty_output_is_no_error(world):
    job = world.put(finished(running(job_of(), 0, 0)))
    world.deliver(job, predictions=b"")

    assert world.penstock("results", job.job_id).output == ""


def test_a_job_that_is_not_finished_has_no_results_yet(world):
    job = world.put(running(job_of(), 10, 1))

    result = world.penstock("results", job.job_id)

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: job {job.job_id} is RUNNING; wait for its end (`penstock status`)\n"
    )


def test_a_job_that_failed_as_a_whole_says_why_there_is_nothing(world):
    failure = Failure("InvalidPipeline", "line 3: unknown key")
    job = world.put(finished(job_of(), 0, JobStatus.FAILED, failure))
    world.deliver(job)

    result = world.penstock("results", job.job_id)

    assert result.exit_code == 1
    assert "has no predictions: InvalidPipeline: line 3: unknown key" in result.stderr


def test_results_of_a_later_job_on_the_same_key_are_not_passed_off_as_this_ones(world, job):
    later = world.put(finished(running(job_of(version="2"), 1, 1)))
    world.deliver(later, predictions=b"1\n")

    result = world.penstock("results", job.job_id)

    assert result.exit_code == 1
    assert f"overwritten by job {later.job_id}" in result.stderr


def test_predictions_that_somebody_changed_are_refused(world, job):
    key = "digits/digits.csv.out"
    world.s3.put_object(Bucket="outputs", Key=key, Body=b"tampered\n")

    result = world.penstock("results", job.job_id)

    assert result.exit_code == 1
    assert "was overwritten" in result.stderr


def test_outputs_that_were_deleted_are_told(world, job):
    world.s3.delete_object(Bucket="outputs", Key="digits/digits.csv.manifest.json")

    result = world.penstock("results", job.job_id)

    assert result.exit_code == 1
    assert "has no outputs any more" in result.stderr


def test_a_reader_that_has_enough_ends_the_command_quietly():
    program = (
        "from penstock_cli.results_command import _write_stdout\n"
        "_write_stdout(iter([b'x' * 100_000] * 100))\n"
    )
    reader, writer = os.pipe()
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE
    ) as child:
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        _, stderr = child.communicate(timeout=30)

    assert (child.returncode, stderr) == (0, b"")
