"""What the sweep finds, and that it looks at nothing else."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from penstock.domain.chunk import Outcome
from penstock.domain.errors import PenstockError, PermanentError, RetryableError
from penstock.domain.identity import ChunkPath
from penstock.domain.job import JobStatus
from penstock.ports import Upload
from penstock.use_cases.sweep_segment import Budget
from tests.unit.use_cases.interruptions import Interruption, Manner
from tests.unit.use_cases.test_disorder import QUICK
from tests.unit.use_cases.test_interruptions import delivered
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    PATIENCE,
    SERVER_ERROR,
    Due,
    Failed,
    Killed,
    Request,
    World,
    model,
    predict,
)

KEY = "in/rows.txt"
ROWS = ["one", "two", "three", "four", "five", "six"]
BODY = "".join(f"{row}\n" for row in ROWS).encode()
PIPELINE = (
    "invoke: {endpoint: demo, timeout: 60s, queue_timeout: 60s}\n"
    "chunk: {max_records: 2}\n"
    "deadline: 1h\n"
)
ANSWER_TIME = 60 + 60 + PATIENCE + PATIENCE  # overdue, and then the next look at the job
AFTER_DEADLINE = 3600 + 60 + PATIENCE + 120
REGIONS = pytest.mark.parametrize("region_bytes", [1000, 9], ids=["one region", "many regions"])


def world(*, region_bytes: int = 1000, predict: Any = model) -> World:
    return World(predict, pipeline=PIPELINE, region_bytes=region_bytes)


def losing(made: World, lost: Callable[[Due], bool], times: int = 1) -> World:
    """The first messages that `lost` is true of come to nobody."""
    handlers = dict(made.handlers)
    left = [times]

    def wrapped(queue: str) -> Callable[[dict[str, Any]], None]:
        def handle(document: dict[str, Any]) -> None:
            if left[0] and lost(Due(0, 0, queue, document)):
                left[0] -= 1
            else:
                handlers[queue](document)

        return handle

    made.handlers = {queue: wrapped(queue) for queue in handlers}
    return made


def busy(made: World) -> World:
    """Other jobs keep InvokeQueue filled: nothing can be said of a chunk that nobody has taken."""
    made.queues.waiting = lambda: 1
    return made


def of(queue: str, **fields: Any) -> Callable[[Due], bool]:
    return lambda due: due.queue == queue and fields.items() <= due.document.items()


def assert_whole(made: World) -> None:
    assert made.lines(KEY) == [predict(row) for row in ROWS]
    assert made.manifest(KEY)["status"] == "SUCCEEDED"


def test_a_lost_notification_is_settled_from_the_answer_that_lies_there() -> None:
    made = losing(world(), of("results"))
    made.drop(KEY, BODY)

    made.run().sweep_until(ANSWER_TIME)

    assert_whole(made)
    assert len(made.model.requests) == 3  # nothing was inferred twice
    assert made.journal.count("NotificationLost") == 1


def test_an_answer_is_looked_for_long_before_the_request_could_expire() -> None:
    made = losing(World(), of("results"))
    made.drop(KEY, BODY)

    made.run().sweep_until(900 + 3 * PATIENCE)

    assert_whole(made)


def test_a_request_that_may_still_wait_at_the_endpoint_is_left_alone() -> None:
    made = losing(World(), of("results"))
    job_id = made.drop(KEY, BODY)
    made.before_delivery = lambda due: forget_answer(made, due)

    made.run().sweep_until(21600 - PATIENCE)

    assert made.job(job_id).status is JobStatus.RUNNING
    assert made.journal.count("AnswerLost") == 0
    assert len(made.model.requests) == 1


def test_nothing_is_done_before_a_notification_is_overdue() -> None:
    made = losing(world(), of("results"))
    job_id = made.drop(KEY, BODY)

    made.run().sweep_until(PATIENCE)

    assert made.job(job_id).status is JobStatus.RUNNING
    assert made.journal.count("NotificationLost") == 0


def fails_at_first(body: bytes, request: Request) -> Any:
    return Failed(SERVER_ERROR) if request.inference_id.count(":1:") else model(body, request)


def test_a_lost_failure_is_found_where_the_endpoint_keeps_it() -> None:
    made = losing(world(predict=fails_at_first), of("results", invocationStatus="Failed"))
    made.drop(KEY, BODY)

    made.run().sweep_until(60 + PATIENCE + PATIENCE)

    assert_whole(made)
    assert made.journal.count("NotificationLost") == 1


def test_a_lost_failure_that_no_object_tells_of_has_its_chunk_tried_again() -> None:
    made = losing(world(predict=fails_at_first), of("results", invocationStatus="Failed"))
    made.model.failure_path = False
    made.drop(KEY, BODY)

    made.run().sweep_until(ANSWER_TIME)

    assert_whole(made)
    assert made.journal.count("AnswerLost") == 1


def test_a_chunk_whose_failures_are_all_lost_runs_out_of_attempts() -> None:
    made = losing(
        world(predict=lambda *_: Failed(SERVER_ERROR)),
        of("results", invocationStatus="Failed"),
        times=99,
    )
    job_id = made.drop(KEY, BODY)

    made.run().sweep_until(AFTER_DEADLINE)

    assert made.job(job_id).status.terminal
    assert made.manifest(KEY)["records"] == {"total": 6, "succeeded": 0, "failed": 6}


@REGIONS
def test_a_lost_chunk_costs_its_own_records_and_the_rest_is_delivered_at_the_deadline(
    region_bytes: int,
) -> None:
    made = losing(busy(world(region_bytes=region_bytes)), of("invoke", chunk=0, segment=0))
    job_id = made.drop(KEY, BODY)

    made.run().sweep_until(AFTER_DEADLINE)

    assert made.job(job_id).status is JobStatus.EXPIRED
    assert made.manifest(KEY)["status"] == "EXPIRED"
    lines = made.lines(KEY)
    lost = len(made.errors(KEY))
    assert 1 <= lost <= 2
    assert lines[lost:] == [predict(row) for row in ROWS[lost:]]
    assert {each["error"] for each in made.errors(KEY)} == {"DeadlineExceeded"}


@REGIONS
def test_chunks_without_an_answer_expire_and_what_was_predicted_is_delivered(
    region_bytes: int,
) -> None:
    made = world(region_bytes=region_bytes)
    made.drop(KEY, BODY)
    losing(made, lambda due: due.queue == "results" and ":00000.0000:" in str(due.document), 99)
    made.before_delivery = lambda due: forget_answer(made, due)

    made.run().sweep_until(AFTER_DEADLINE)

    manifest = made.manifest(KEY)
    assert manifest["status"] == "EXPIRED"
    assert manifest["records"]["total"] == 6
    assert manifest["records"]["succeeded"] >= 4
    assert {each["error"] for each in made.errors(KEY)} == {"DeadlineExceeded"}


def forget_answer(made: World, due: Due) -> None:
    """The answer to the first chunk is nowhere."""
    if due.queue == "results" and ":00000.0000:" in due.document["inferenceId"]:
        location = due.document["responseParameters"]["outputLocation"]
        made.objects.delete("work", location.removeprefix("s3://work/"))


@REGIONS
def test_an_answer_that_lies_there_counts_after_the_deadline_too(region_bytes: int) -> None:
    made = losing(world(region_bytes=region_bytes), of("results"), times=99)
    made.drop(KEY, BODY)
    made.run()

    made.clock.advance(AFTER_DEADLINE)
    made.sweep()

    assert_whole(made)


@REGIONS
def test_a_lost_scan_is_sent_again(region_bytes: int) -> None:
    made = losing(world(region_bytes=region_bytes), of("split", kind="scan"))
    made.drop(KEY, BODY)

    made.run().sweep_until(1800 + PATIENCE)

    assert_whole(made)


def test_a_job_that_is_not_split_by_its_deadline_fails() -> None:
    made = losing(world(), of("split"), times=99)
    job_id = made.drop(KEY, BODY)

    made.run().sweep_until(AFTER_DEADLINE)

    failure = made.job(job_id).failure
    assert made.job(job_id).status is JobStatus.FAILED
    assert failure is not None
    assert failure.code == "DeadlineExceeded"


def test_chunks_that_were_never_sent_expire() -> None:
    made = losing(busy(world(region_bytes=9)), of("split", kind="emit"))
    made.drop(KEY, BODY)

    made.run().sweep_until(AFTER_DEADLINE)

    assert made.manifest(KEY)["status"] == "EXPIRED"


@pytest.mark.parametrize("kind", ["segment", "finish"])
def test_a_lost_order_to_assemble_or_to_finish_is_given_again(kind: str) -> None:
    made = losing(world(), of("assemble", kind=kind))
    made.drop(KEY, b"" if kind == "finish" else BODY)

    made.run().sweep_until(2 * PATIENCE)

    assert made.manifest(KEY)["status"] == "SUCCEEDED"


def test_a_job_whose_segments_are_all_assembled_is_finished() -> None:
    made = world(region_bytes=9)
    job_id = made.drop(KEY, BODY)
    made.run()
    made.table.update_job(job_id, frozenset(), status=JobStatus.ASSEMBLING)
    made.table.sweeps[job_id] = made.clock()

    made.sweep()

    assert made.job(job_id).status is JobStatus.SUCCEEDED


def test_the_sweep_reads_nothing_of_jobs_that_have_ended() -> None:
    calls: list[str] = []

    class Counted:
        def __init__(self, port: Any) -> None:
            self.port = port

        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(self.port, name)

    made = World(pipeline=PIPELINE, wrap=lambda _name, port: Counted(port))
    for number in range(5):
        made.drop(f"in/{number}.txt", BODY)
    made.run()
    calls.clear()
    made.clock.advance(AFTER_DEADLINE)

    made.sweep()

    assert calls == ["jobs_to_sweep"]


def test_more_chunks_than_one_run_may_take_are_gone_on_with_in_the_next() -> None:
    made = losing(world(region_bytes=9), of("results"), times=99)
    job_id = made.drop(KEY, BODY)
    made.run()
    made.clock.advance(ANSWER_TIME)
    segments = made.job(job_id).totals.segments  # type: ignore[union-attr]
    for _ in range(segments):
        job = made.job(job_id)
        budget = Budget(segments=1)
        stopped_at = made.sweep_jobs._look_at_segments(job, budget)
        assert stopped_at == job.sweep_from + 1
        made.table.put_off_sweep(job_id, made.clock(), stopped_at)
    made._carry_on()
    made.run()

    assert_whole(made)


def test_a_job_that_cannot_be_swept_does_not_hold_up_the_others() -> None:
    bad: set[str] = set()

    class Refusing:
        def __init__(self, port: Any) -> None:
            self.port = port

        def __getattr__(self, name: str) -> Any:
            return getattr(self.port, name)

        def get_segment(self, job_id: str, segment: int) -> Any:
            if job_id in bad:
                raise RetryableError("Broken", "it is")
            return self.port.get_segment(job_id, segment)

    def wrap(name: str, port: Any) -> Any:
        return Refusing(port) if name == "table" else port

    made = losing(World(pipeline=PIPELINE, wrap=wrap), of("results"), times=2)
    bad.add(made.drop("in/bad.txt", BODY))
    made.drop(KEY, BODY)

    made.run().sweep_until(ANSWER_TIME)

    assert_whole(made)
    assert made.journal.count("SweepFailed") > 0


def test_an_outcome_that_overtook_its_invocation_is_completed_at_the_deadline() -> None:
    made = losing(world(), of("invoke", chunk=2))
    job_id = made.drop(KEY, BODY)
    made.run()
    made.objects.put("work", "async/output/x.out", b"y(five)\ny(six)\n", "")
    outcome = Outcome("predictions", 1, made.clock(), "s3://work/async/output/x.out", "text/plain")
    made.table.settle(job_id, ChunkPath(0, 2), outcome)

    made.sweep_until(AFTER_DEADLINE)

    assert_whole(made)


@pytest.mark.parametrize("name", QUICK)
def test_sweeping_before_every_message_changes_nothing(name: str) -> None:
    scenario = QUICK[name]
    expected = delivered(scenario.dropped().run(), scenario.output_key)
    swept = scenario.dropped()

    def sweep(_due: Due) -> None:
        swept.table.sweeps = dict.fromkeys(swept.table.sweeps, 0.0)
        swept.sweep_jobs()

    swept.before_delivery = sweep
    swept.run()

    assert delivered(swept, scenario.output_key) == expected
    assert swept.dead_letters == []


def swept_after_losses(interruption: Interruption, at: int | None = None) -> World:
    """A job that lost a result, a chunk and an order to assemble, swept to its end.

    Interrupted at the `at`-th border from the first sweep on.
    """
    made = busy(World(pipeline=PIPELINE, region_bytes=10, wrap=interruption.wrap))
    losing(made, lambda due: due.queue == "results" and ":00000.0000:" in str(due.document))
    losing(made, of("invoke", segment=1, chunk=0))
    losing(made, of("assemble", segment=2))
    made.drop(KEY, BODY)
    made.run()
    interruption.borders.clear()
    interruption.at = at
    made.before_delivery = interruption.revive
    for _ in range(100):
        made.clock.advance(60)
        interruption.revive()
        with suppress(Killed, PenstockError):
            made.sweep_jobs()
        made._carry_on()
        made.run()
    return made


@pytest.mark.parametrize("manner", ["killed", "failed"])
def test_a_sweep_that_dies_between_any_two_calls_is_made_up_for_by_the_next(manner: Manner) -> None:
    whole = Interruption()
    expected = delivered(swept_after_losses(whole), KEY)
    assert expected["manifest"]["status"] == "EXPIRED"

    assert len(whole.borders) > 50
    for at in range(len(whole.borders)):
        interruption = Interruption(manner=manner)
        assert delivered(swept_after_losses(interruption, at), KEY) == expected, interruption.where


@REGIONS
def test_lost_chunks_are_sent_again_when_no_message_of_a_chunk_is_left(region_bytes: int) -> None:
    made = losing(world(region_bytes=region_bytes), of("invoke", chunk=0, segment=0))
    made.drop(KEY, BODY)

    made.run().sweep_until(2 * PATIENCE)

    assert_whole(made)
    assert made.journal.count("ChunksRepeated") == 1


def test_the_lost_half_of_a_bisected_chunk_is_sent_again() -> None:
    def refuses_six(body: bytes, request: Request) -> Any:
        return Failed(CLIENT_ERROR) if b"six" in body else model(body, request)

    made = losing(world(predict=refuses_six), of("invoke", bits="0"))
    made.drop(KEY, BODY)

    made.run().sweep_until(2 * PATIENCE)

    assert made.lines(KEY)[:5] == [predict(row) for row in ROWS[:5]]
    assert [error["record"] for error in made.errors(KEY)] == [5]


def test_chunks_are_not_taken_for_lost_while_others_wait_their_turn() -> None:
    made = losing(busy(world()), of("invoke", chunk=0, segment=0))
    made.drop(KEY, BODY)

    made.run().sweep_until(2 * PATIENCE)

    assert made.journal.count("ChunksRepeated") == 0


def open_upload(made: World, bucket: str, key: str) -> str:
    upload_id = made.objects.begin_upload(bucket, key, "")
    made.objects.upload_part(Upload(bucket, key, upload_id), 1, b"part")
    return upload_id


def test_uploads_that_a_dead_function_left_open_are_aborted_by_the_sweep() -> None:
    made = losing(world(), of("results"), times=99)
    job_id = made.drop(KEY, BODY)
    made.run()
    for key in (f"{KEY}.out", f"{KEY}.errors.jsonl"):
        open_upload(made, "output", key)
    open_upload(made, "work", f"pieces/{job_id}/00000.out")
    others = [open_upload(made, "output", f"{KEY}.b.out"), open_upload(made, "work", "pieces/x/0")]

    made.sweep_until(2 * PATIENCE)

    assert list(made.objects.uploads) == others


def test_young_uploads_are_left_alone() -> None:
    made = losing(world(), of("results"), times=99)
    made.drop(KEY, BODY)
    made.run().sweep_until(PATIENCE)
    young = open_upload(made, "output", f"{KEY}.out")

    made.sweep_jobs()

    assert list(made.objects.uploads) == [young]


def test_uploads_are_aborted_at_the_end_of_the_job_at_the_latest() -> None:
    made = world()
    open_upload(made, "output", f"{KEY}.out")
    made.clock.advance(PATIENCE + 1)
    made.drop(KEY, BODY)

    made.run()

    assert_whole(made)
    assert made.objects.uploads == {}


def test_a_job_ends_although_its_uploads_cannot_be_listed() -> None:
    def unlistable(name: str, port: Any) -> Any:
        def open_uploads(*_: Any) -> Any:
            raise PermanentError("AccessDenied", "no")

        if name == "objects":
            port.open_uploads = open_uploads
        return port

    made = World(pipeline=PIPELINE, wrap=unlistable)
    made.drop(KEY, BODY)

    made.run()

    assert_whole(made)
    assert made.announcer.jobs
    assert made.journal.count("AbortFailed") == 1
