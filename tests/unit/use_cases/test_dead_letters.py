"""What failed ten times still ends in an outcome, whatever queue it was in."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.domain.dead_letters import DeadLetter
from penstock.domain.errors import RetryableError
from penstock.domain.job import JobStatus
from tests.unit.use_cases.interruptions import Interruption, Manner
from tests.unit.use_cases.test_interruptions import delivered
from tests.unit.use_cases.world import (
    PIPELINE,
    SERVER_ERROR,
    Failed,
    Killed,
    World,
    model,
    predict,
)

KEY = "in/rows.txt"
ROWS = ["one", "two", "three", "four"]
BODY = "".join(f"{row}\n" for row in ROWS).encode()
SMALL = PIPELINE + "chunk: {max_records: 2}\n"

Breaks = Callable[[dict[str, Any]], bool]


def broken(
    queue: str, breaks: Breaks = lambda _document: True, region_bytes: int = 1000, **options: Any
) -> World:
    """A world in which the function of the queue fails over messages that `breaks` is true of."""
    made = World(pipeline=SMALL, region_bytes=region_bytes, **options)
    handle = made.handlers[queue]

    def failing(document: dict[str, Any]) -> None:
        if breaks(document):
            raise RetryableError("Broken", "it is")
        handle(document)

    made.handlers[queue] = failing
    return made


def ended(made: World) -> tuple[JobStatus, str]:
    """Runs a job to its end: how it ended, and the code of the reason."""
    job_id = made.drop(KEY, BODY)
    made.run().handle_dead_letters()
    failure = made.job(job_id).failure
    return made.job(job_id).status, failure.code if failure else ""


def test_a_chunk_that_was_not_sent_costs_its_own_records() -> None:
    made = broken("invoke", lambda document: document["chunk"] == 0)

    assert ended(made)[0] is JobStatus.PARTIAL

    assert made.lines(KEY)[2:] == [predict(row) for row in ROWS[2:]]
    first, second = made.errors(KEY)
    assert first["error"] == second["error"] == "DeadLetter"
    assert "InvokeDeadLetterQueue" in first["message"]
    assert "invoke_model" in first["message"]


def test_a_result_that_was_not_read_costs_its_own_records() -> None:
    made = broken("results", lambda document: ":00000.0001:" in document["inferenceId"])

    assert ended(made)[0] is JobStatus.PARTIAL

    assert made.lines(KEY)[:2] == [predict(row) for row in ROWS[:2]]
    assert {each["error"] for each in made.errors(KEY)} == {"DeadLetter"}


def test_a_failure_that_was_not_read_costs_its_own_records() -> None:
    made = broken("results", predict=lambda *_: Failed(SERVER_ERROR))

    assert ended(made) == (JobStatus.FAILED, "NothingSucceeded")

    assert {each["error"] for each in made.errors(KEY)} == {"DeadLetter"}


@pytest.mark.parametrize("region_bytes", [1000, 8])
def test_a_file_that_was_not_split_fails_its_job(region_bytes: int) -> None:
    made = broken("split", region_bytes=region_bytes)

    assert ended(made) == (JobStatus.FAILED, "DeadLetter")

    assert "SplitDeadLetterQueue" in made.manifest(KEY)["failure"]["message"]


def test_an_upload_that_was_not_accepted_becomes_a_failed_job() -> None:
    made = broken("upload")

    assert ended(made) == (JobStatus.FAILED, "DeadLetter")

    assert made.manifest(KEY)["input"]["key"] == KEY
    ((summary, successful),) = made.announcer.jobs
    assert (summary["status"], successful) == ("FAILED", False)


def test_a_pipeline_file_that_was_not_accepted_becomes_no_job() -> None:
    made = broken("upload")
    made.drop("in/_pipeline.yaml", b"invoke: {}")

    made.run().handle_dead_letters()

    assert not made.table.jobs
    assert made.journal.count("DeadLetter") == 1


def test_a_segment_that_waits_for_the_record_of_an_attempt_does_not_fail_its_job() -> None:
    made = World(pipeline=SMALL, region_bytes=1000)
    job_id = made.drop(KEY, BODY)
    made.run()
    done = made.table.jobs[job_id]
    made.table.jobs[job_id] = replace(done, status=JobStatus.RUNNING, failure=None)
    (path,) = [each for job, each in made.table.chunks if job == job_id and each.chunk == 0]
    made.table.chunks[job_id, path] = replace(made.table.chunks[job_id, path], message=None)
    document = {"kind": "segment", "job_id": job_id, "segment": 0, "chunks": 2}

    made.handle_dead_letter(DeadLetter.parse(json.dumps(document)))

    assert made.job(job_id).failure is None


def test_a_segment_that_was_not_assembled_fails_its_job_which_is_delivered_as_such() -> None:
    made = broken("assemble", lambda document: document["kind"] == "segment")

    assert ended(made) == (JobStatus.FAILED, "DeadLetter")

    assert "AssembleDeadLetterQueue" in made.manifest(KEY)["failure"]["message"]
    assert len(made.announcer.jobs) == 1


def test_a_job_that_cannot_even_be_finished_ends_in_the_table() -> None:
    made = broken("assemble")

    assert ended(made) == (JobStatus.FAILED, "DeadLetter")

    (job,) = made.table.jobs.values()
    assert job.summary is not None
    assert job.summary["manifest"] is None
    assert job.job_id not in made.table.sweeps
    assert not made.dead_letters


def test_what_stands_already_stays() -> None:
    made = World(model, pipeline=SMALL)
    sent: list[dict[str, Any]] = []
    made.before_delivery = lambda due: sent.append(due.document)
    made.drop(KEY, BODY)
    made.run()
    before = (dict(made.table.jobs), dict(made.table.chunks), made.lines(KEY))

    for document in sent:
        made.handle_dead_letter(DeadLetter.parse(json.dumps(document)))
    made._carry_on()
    made.run()

    assert (made.table.jobs, made.table.chunks, made.lines(KEY)) == before


def test_an_outcome_stays_while_the_job_runs() -> None:
    made = broken("assemble")
    made.drop(KEY, BODY)
    made.run()
    chunks = dict(made.table.chunks)

    for notification in made.notifications:
        made.handle_dead_letter(DeadLetter.parse(json.dumps(notification)))

    assert made.table.chunks == chunks


@pytest.mark.parametrize("body", ["not json \ud800", "[1]", "{}", '{"kind": "other"}'])
def test_a_letter_that_nobody_here_wrote_is_dropped_and_its_digest_logged(body: str) -> None:
    made = World()

    made.handle_dead_letter(DeadLetter.parse(body))

    ((event, fields),) = made.journal.lines
    assert event == "DeadLetterForeign"
    assert set(fields) == {"sha256", "size", "reason"}


def test_a_notification_in_snss_envelope_is_told_as_one() -> None:
    body = json.dumps({"Type": "Notification", "Message": json.dumps({"inferenceId": "x"})})

    assert DeadLetter.parse(body).queue == "result"


def handled(queue: str, interruption: Interruption, at: int | None = None) -> World:
    """A job whose every message of the queue fails; its letters come again until they are handled.

    Interrupted at the `at`-th border from the first letter on.
    """
    made = broken(queue, wrap=interruption.wrap)
    made.drop(KEY, BODY)
    made.run()
    interruption.borders.clear()
    interruption.at = at
    made.before_delivery = interruption.revive
    while made.dead_letters:
        letter = made.dead_letters.pop(0)
        interruption.revive()
        try:
            made.handle_dead_letter(DeadLetter.parse(json.dumps(letter.document)))
        except (Killed, RetryableError):
            made.dead_letters.append(letter)
        made._carry_on()
        made.run()
    return made


@pytest.mark.parametrize("manner", ["killed", "failed"])
@pytest.mark.parametrize("queue", ["upload", "split", "invoke", "results"])
def test_a_handler_that_dies_between_any_two_calls_is_made_up_for(
    queue: str, manner: Manner
) -> None:
    whole = Interruption()
    expected = delivered(handled(queue, whole), KEY)

    for at in range(len(whole.borders)):
        interruption = Interruption(manner=manner)
        made = handled(queue, interruption, at)
        assert delivered(made, KEY) == expected, interruption.where
