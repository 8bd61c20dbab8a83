from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from penstock.domain.job import Failure, Job, JobStatus, Stop
from penstock.job_memory import JOB_MEMORY
from penstock_cli.cancel import TAKES_EFFECT
from penstock_cli.jobs import Jobs
from tests.unit.cli.world import START, World, finished, job_of, running

CANCEL = Stop(JobStatus.CANCELLED, "Cancelled", "cancelled by bob at 2026-11-18", START + 60)
BREAKER = Stop(JobStatus.FAILED, "TooManyFailures", "64 records in a row failed", START + 60)


@pytest.fixture(autouse=True)
def _ann(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")


@pytest.fixture
def job(world) -> Job:
    return world.put(running(job_of(), 1_000, 10))


def read(world: World, job: Job) -> Job:
    found = Jobs.of(world.connection).get(job.job_id)
    assert found is not None
    return found


def test_a_job_is_stopped_in_the_name_of_whoever_types_and_swept_at_once(world, job):
    world.time.seconds = START + 90

    result = world.penstock("cancel", "digits.csv", "--yes")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"job {job.job_id} is being cancelled: within 5 seconds nothing more goes to the model; "
        "what was predicted is delivered\n"
    )
    assert read(world, job).stop == Stop(
        JobStatus.CANCELLED,
        "Cancelled",
        "cancelled by ann at 2026-11-18T11:08:10.000Z",
        START + 90,
    )
    assert world.functions.started == ["sweep"]


def test_the_time_it_takes_is_that_of_the_functions():
    assert TAKES_EFFECT == JOB_MEMORY


@pytest.mark.parametrize(("answer", "exit_code", "stopped"), [("y\n", 0, True), ("n\n", 1, False)])
def test_somebody_at_a_terminal_is_asked(world, job, answer, exit_code, stopped):
    world.interactive = True
    world.mark(job.job_id, "chunks.00000", 0, 1)

    result = world.penstock("cancel", job.job_id, typed=answer)

    assert result.exit_code == exit_code
    assert result.stdout.startswith(
        f"job    {job.job_id}\n"
        "input  s3://inputs/digits/digits.csv\n"
        "       RUNNING, 200 of 1,000 records (20%)\n"
        "Cancel it? Records without a prediction get error lines [y/N]: "
    )
    assert (read(world, job).stop is not None) is stopped
    assert bool(world.functions.started) is stopped


def test_a_script_has_to_say_yes(world, job):
    result = world.penstock("cancel", job.job_id)

    assert result.exit_code == 2
    assert result.stderr == "Error: nobody is here to confirm it: add --yes\n"
    assert read(world, job).stop is None


def test_a_sweep_that_may_not_be_started_comes_by_itself(world, job):
    denied = "AccessDeniedException"
    world.functions.refusal = ClientError({"Error": {"Code": denied, "Message": "no"}}, "Invoke")

    result = world.penstock("cancel", job.job_id, "--yes")

    assert result.exit_code == 0
    assert "sweep_jobs could not be started: function sweep: " in result.stderr
    assert result.stderr.endswith("; it runs within a minute\n")
    assert read(world, job).stop is not None


def test_a_network_that_fails_after_the_stop_was_noted_leaves_it_noted(world, job):
    world.functions.refusal = EndpointConnectionError(endpoint_url="https://lambda")

    result = world.penstock("cancel", job.job_id, "--yes")

    assert result.exit_code == 0
    assert read(world, job).stop is not None


def test_a_stack_without_the_name_of_its_sweep_is_told_and_served(world, job):
    stack = replace(world.connection.stack, outputs={})
    world.connection = replace(world.connection, stack=stack)

    result = world.penstock("cancel", job.job_id, "--yes")

    assert result.exit_code == 0
    assert "no output SweepJobsFunctionName" in result.stderr


def test_cancelling_twice_says_who_was_first(world):
    job = world.put(running(job_of(stop=CANCEL), 1_000, 10))

    result = world.penstock("cancel", job.job_id)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"job {job.job_id} is being cancelled already: cancelled by bob at 2026-11-18\n"
    )
    assert read(world, job).stop == CANCEL
    assert world.functions.started == ["sweep"]


def test_a_job_that_was_cancelled_is_what_was_wanted(world):
    ended = finished(running(job_of(stop=CANCEL), 10, 1), 4, JobStatus.CANCELLED)
    job = world.put(ended)

    result = world.penstock("cancel", job.job_id, "--yes", "--wait")

    assert result.exit_code == 0
    assert "was cancelled already: cancelled by bob" in result.stdout
    assert world.functions.started == []


def test_a_job_that_has_ended_cannot_be_cancelled(world):
    job = world.put(finished(running(job_of(), 10, 1)))

    result = world.penstock("cancel", job.job_id, "--yes")

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: job {job.job_id} has ended SUCCEEDED; there is nothing left to cancel\n"
    )
    assert read(world, job).stop is None


@pytest.mark.parametrize(
    "fault",
    [{"stop": BREAKER}, {"failure": Failure("TooManyFailures", "64 records in a row failed")}],
    ids=["stopped", "failing"],
)
def test_a_job_that_is_about_to_fail_is_left_to_it(world, fault):
    job = world.put(running(job_of(**fault), 10, 1))

    result = world.penstock("cancel", job.job_id, "--yes")

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: job {job.job_id} is about to end FAILED: TooManyFailures: "
        "64 records in a row failed\n"
    )


def waited(world: World, job: Job, end: Job):
    world.time.plan = [(20, lambda: world.put(end))]
    return world.penstock("cancel", job.job_id, "--yes", "--wait")


def test_waiting_shows_that_it_is_cancelling_and_how_it_ended(world, job):
    failure = Failure("Cancelled", "cancelled by ann")
    result = waited(world, job, finished(job, 600, JobStatus.CANCELLED, failure))

    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[1:4] == [
        "        0.0s  CANCELLING  0 of 1,000 records (0%)",
        "         20s  CANCELLED   1,000 of 1,000 records (100%)",
        "CANCELLED  1,000 records: 400 predicted, 600 failed, in 1m 00s",
    ]


def test_a_job_that_ended_before_it_took_effect_exits_with_1(world, job):
    result = waited(world, job, finished(job))

    assert result.exit_code == 1
    assert result.stderr == "it ended before the cancellation took effect\n"
    assert "SUCCEEDED  1,000 records: 1,000 predicted" in result.stdout


def test_an_interrupted_wait_leaves_it_cancelling(world, job):
    def interrupt():
        raise KeyboardInterrupt

    world.time.plan = [(1, interrupt)]
    result = world.penstock("cancel", job.job_id, "--yes", "--wait")

    assert result.exit_code == 130
    assert result.stderr == (
        f"job {job.job_id} goes on being cancelled; see `penstock status {job.job_id}`\n"
    )


def test_names_cannot_command_the_terminal(world, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann\x1b[2J")
    job = world.put(running(job_of(), 10, 1))

    world.penstock("cancel", job.job_id, "--yes")

    stop = read(world, job).stop
    assert stop is not None
    assert "\\x1b[2J" in stop.message
