"""A job that is cancelled, from the command line, while a slow model is at work on it."""

import json
import time

import pytest

from examples.echo.echo_reference import expected_lines
from tests.e2e.harness import Delivered, Stack, eventually
from tests.e2e.test_command_line import penstock

PIPELINE = (
    "invoke: {endpoint: echo}\n"
    "chunk: {max_records: 1}\n"
    "retry: {initial_interval: 1s, maximum_interval: 4s}\n"
)
RECORDS = [f"record {number}".encode() for number in range(200)]
BODY = b"\n".join(RECORDS) + b"\n"
TAKES_EFFECT = 6.0
"""Seconds: functions remember a job for five, and one may be in the middle of a call."""
SLOWLY = 240.0
"""Seconds of patience with a model that is slow, or an endpoint that was throttled a moment ago."""


@pytest.fixture(scope="module", autouse=True)
def _pipeline(echo: Stack) -> None:
    echo.configure("cancel", PIPELINE)


def accepted(echo: Stack) -> int:
    """Requests that the endpoint has taken so far."""
    stats = echo.local_sagemaker("GET", "/_local/stats")
    count: int = stats["endpoints"]["echo"]["accepted"]
    return count


def submitted_and_under_way(echo: Stack, key: str) -> str:
    before = accepted(echo)
    job_id = echo.drop(key, BODY)
    eventually(lambda: True if accepted(echo) >= before + 10 else None, SLOWLY)
    return job_id


def assert_in_order(delivered: Delivered) -> None:
    """Each line is the record's own digest, or says that it was cancelled."""
    cancelled = {error["record"] for error in delivered.errors}
    lines = zip(delivered.lines, expected_lines(RECORDS), strict=True)
    for number, (line, expected) in enumerate(lines):
        if number in cancelled:
            error = json.loads(line)
            assert (error["error"], error["record"]) == ("Cancelled", number)
        else:
            assert line == expected


def test_a_running_job_shows_the_beginning_of_its_output(echo: Stack) -> None:
    key = "cancel/partial.txt"
    with echo.faults({"fault": "slow_model", "seconds": 0.2}):
        job_id = echo.drop(key, BODY)
        looks = [eventually(lambda: some_lines(job_id), SLOWLY) for _ in range(2)]
        delivered = echo.wait(key, job_id, SLOWLY)

    assert delivered.counts == (200, 200, 0)
    assert all(echo.output(f"{key}.out").decode().startswith(look) for look in looks)
    assert looks[1].startswith(looks[0])


def some_lines(job_id: str) -> str | None:
    partial = penstock("results", job_id, "--partial")
    return partial.stdout or None


def test_a_cancelled_job_sends_nothing_more_and_delivers_what_it_has_in_order(echo: Stack) -> None:
    key = "cancel/words.txt"
    slow = {"fault": "slow_model", "seconds": 0.3}
    throttled = {"fault": "throttle", "probability": 0.8}  # so that chunks wait in the queue
    with echo.faults(slow, throttled), echo.listening("failure_topic_arn") as next_message:
        job_id = submitted_and_under_way(echo, key)
        partial = penstock("results", job_id, "--partial")
        cancelled = penstock("cancel", job_id, "--yes")
        time.sleep(TAKES_EFFECT)
        then = accepted(echo)
        delivered = echo.wait(key, job_id, SLOWLY)
        told = json.loads(next_message()["Message"])
        time.sleep(3)
        later = accepted(echo)

    assert cancelled.returncode == 0, cancelled.stderr
    assert later == then
    assert delivered.manifest["status"] == "CANCELLED"
    assert delivered.manifest["failure"]["code"] == "Cancelled"
    total, succeeded, failed = delivered.counts
    assert (total, failed) == (len(RECORDS), len(delivered.errors))
    assert succeeded + failed == total
    assert 0 < delivered.manifest["attempts"] < len(RECORDS)
    assert_in_order(delivered)
    assert partial.returncode == 0, partial.stderr
    assert echo.output(f"{key}.out").decode().startswith(partial.stdout)
    assert (told["job_id"], told["status"]) == (job_id, "CANCELLED")


def test_the_end_of_a_cancelled_job_can_be_waited_for_and_is_an_event(echo: Stack) -> None:
    with (
        echo.faults({"fault": "slow_model", "seconds": 1}),
        echo.listening_to_events() as next_event,
    ):
        job_id = submitted_and_under_way(echo, "cancel/waited.txt")
        cancelled = penstock("cancel", job_id, "--yes", "--wait")
        while (event := next_event())["detail"]["job_id"] != job_id:
            pass

    assert cancelled.returncode == 0, cancelled.stderr
    assert "CANCELLED  200 records: " in cancelled.stdout
    assert event["detail-type"] == "Job Cancelled"
    again = penstock("cancel", job_id, "--yes")
    assert (again.returncode, "was cancelled already" in again.stdout) == (0, True)
