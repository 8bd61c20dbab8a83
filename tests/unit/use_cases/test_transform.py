"""Files that Batch Transform runs a model over."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import RetryableError
from penstock.domain.transform_job import Report, Stage, Status
from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import Kind, Trouble
from penstock.ports import AsyncRequest
from penstock.ports_transform import TransformRequest
from penstock.testing import FakeClock, FakeJournal, FakeObjects, FakeQueues, FakeTable
from penstock.use_cases import messages
from penstock.use_cases.cancel_job import CancelJob
from penstock.use_cases.record_attempt import RecordAttempt
from penstock.use_cases.stage_chunk import StageChunk
from tests.unit.use_cases.transforming import DIED, event
from tests.unit.use_cases.world import CLIENT_ERROR, SERVER_ERROR, Failed, Response, World, model

KEY = "in/rows.csv"
INVOKE = "invoke: {mode: transform, model: demo, instance_type: ml.m5.large%s}\n"
SINGLY = "chunk: {max_records: 1}\n"
PAIRS = "chunk: {max_records: 2}\n"


def rows(count: int, *bad: int) -> bytes:
    return b"".join(b"%d,%s\n" % (n, b"bad" if n in bad else b"good") for n in range(count))


def refusing(body: bytes, request: AsyncRequest) -> Response:
    return Failed(CLIENT_ERROR) if b"bad" in body else model(body, request)


def world_of(more: str = "", predict: Any = refusing, invoke: str = "", **options: Any) -> World:
    return World(predict, pipeline=INVOKE % invoke + more, **{"region_bytes": 10_000} | options)


def ran(body: bytes, more: str = "", **options: Any) -> World:
    world = world_of(more, **options)
    world.drop(KEY, body)
    return world.run()


def chunks_of(world: World) -> list[int]:
    """How many objects each transform job had."""
    return [len(names) for _, names in world.transform_service.transformed]


def test_one_transform_job_has_all_chunks_of_a_file_in_many_regions() -> None:
    world = ran(rows(40), PAIRS, region_bytes=30)

    assert world.lines(KEY) == [f"y({n}|good)" for n in range(40)]
    assert len(chunks_of(world)) == 1
    (told,) = world.manifest(KEY)["transform_jobs"]
    assert told["name"] == f"penstock-{world.job_of(KEY).job_id}-0-0"
    assert (told["status"], told["billed_seconds"]) == ("Completed", 300.0)


def test_a_header_and_quoted_newlines_are_no_matter() -> None:
    body = b'id,note\n1,"two\nlines"\n2,plain\n3,"""x"""\n'

    world = ran(body, "input: {header: true}\n" + PAIRS)

    assert world.lines(KEY) == ["y(1|two~lines)", "y(2|plain)", "y(3|'x')"]


def test_a_bad_record_costs_only_itself_and_halves_share_their_transform_jobs() -> None:
    world = ran(rows(32, 3, 21), "chunk: {max_records: 8}\n")

    assert [error["record"] for error in world.errors(KEY)] == [3, 21]
    assert {error["error"] for error in world.errors(KEY)} == {"ModelError"}
    assert world.manifest(KEY)["records"] == {"total": 32, "succeeded": 30, "failed": 2}
    # Then two halves of each of two, three times; and both once more, to be sure that it is they.
    assert chunks_of(world) == [4, 4, 4, 4, 1, 1]


def test_a_failed_transform_job_keeps_the_outputs_that_it_has() -> None:
    world = ran(rows(3, 1), SINGLY)

    assert world.transforms.reports[f"penstock-{world.job_of(KEY).job_id}-0-0"].status == "Failed"
    assert [line.startswith("y(") for line in world.lines(KEY)] == [True, False, True]
    assert chunks_of(world) == [3]


def test_a_server_error_that_passes_is_retried_in_another_transform_job() -> None:
    def flaky(body: bytes, request: AsyncRequest) -> Response:
        first = request.inference_id.split(":")[2] == "1"
        return Failed(SERVER_ERROR) if b"1,good" in body and first else model(body, request)

    world = ran(rows(3), SINGLY, predict=flaky)

    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    assert chunks_of(world) == [3, 1]
    assert world.manifest(KEY)["retries"] == 1


def failing_at_first(*names: bytes) -> Any:
    def predict(body: bytes, request: AsyncRequest) -> Response:
        attempt = int(request.inference_id.split(":")[2])
        ill = names[attempt - 1 :] and names[attempt - 1] in body
        return Failed(SERVER_ERROR) if ill else refusing(body, request)

    return predict


def test_a_record_that_fails_of_something_else_beside_a_refused_one_is_tried_again() -> None:
    world = ran(rows(5, 1, 2), SINGLY, predict=failing_at_first(b"3,good"))

    assert [error["record"] for error in world.errors(KEY)] == [1, 2]
    assert chunks_of(world) == [5, 1, 1, 1]


def test_records_that_are_refused_together_are_tried_once_more_each_apart() -> None:
    world = ran(rows(6, 1, 2, 4), SINGLY)

    assert [error["record"] for error in world.errors(KEY)] == [1, 2, 4]
    assert {error["attempts"] for error in world.errors(KEY)} == {2}
    assert chunks_of(world) == [6, 1, 1, 1]


def test_many_records_that_are_refused_are_tried_once_more_together() -> None:
    world = ran(rows(40, *range(20)), SINGLY)

    assert len(world.errors(KEY)) == 20
    assert chunks_of(world) == [40, 20]


def test_as_long_as_some_of_many_recover_the_others_are_tried_again() -> None:
    predict = failing_at_first(b",good", b"30,good", b"31,good")
    world = ran(rows(40, *range(20)), SINGLY, predict=predict)

    assert [error["record"] for error in world.errors(KEY)] == list(range(20))
    assert chunks_of(world) == [40, 40, 21, 20]


def test_records_are_tried_no_more_often_than_the_pipeline_says() -> None:
    world = ran(rows(6, 1, 2), SINGLY + "retry: {maximum_attempts: 1}\n")

    assert [error["record"] for error in world.errors(KEY)] == [1, 2]
    assert chunks_of(world) == [6]


def test_a_file_that_is_one_request_is_not_copied() -> None:
    world = ran(rows(3))

    assert world.transform_service.transformed[0][1] == [KEY]
    assert world.objects.keys("work", f"transform/{world.job_of(KEY).job_id}/in/") == []
    assert world.manifest(KEY)["status"] == "SUCCEEDED"


def test_a_file_that_is_overwritten_meanwhile_is_copied_for_the_second_attempt() -> None:
    world = world_of()
    job_id = world.drop(KEY, rows(3))
    world.before_delivery = lambda due: (
        world.put(KEY, b"7,other\n8,other\n9,other\n") if due.queue == "transformed" else None
    )
    world.run()

    assert world.output(KEY) == b"".join(b"y(%d|good)\n" % n for n in range(3))
    assert world.objects.keys("work", f"transform/{job_id}/in/") != []


@pytest.mark.parametrize("body", [b"1,2\r\n3,4\r\n", b"1,2\n\xff\n3,4\n", b"1,2\n3,4"])
def test_a_file_that_is_not_its_request_byte_for_byte_is_copied(body: bytes) -> None:
    world = ran(body)

    assert world.transform_service.transformed[0][1] != [KEY]
    assert len(world.lines(KEY)) == len(body.splitlines())


def test_chunks_may_go_compressed() -> None:
    world = ran(rows(4), PAIRS, invoke=", compression: gzip")

    (key, *_) = world.objects.keys("work", "transform/")
    assert world.objects.body("work", key)[:2] == b"\x1f\x8b"
    assert world.manifest(KEY)["status"] == "SUCCEEDED"


def full(_request: TransformRequest) -> None:
    text = "service limit 'ml.m5.large for transform job usage' is 4 Instances"
    raise CreationError(Trouble(Kind.UNAVAILABLE, "ResourceLimitExceeded", text))


def full_at_first(times: int) -> Callable[[TransformRequest], None]:
    refusals = iter(range(times))

    def create(request: TransformRequest) -> None:
        if next(refusals, None) is not None:
            full(request)

    return create


def test_no_room_is_waited_for_and_costs_no_attempt() -> None:
    world = world_of(SINGLY)
    world.transforms.behaviour = full_at_first(20)
    world.drop(KEY, rows(2))
    world.run()

    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    assert world.manifest(KEY)["attempts"] == 2
    assert world.journal.count("TransformWaits") == 20


def test_while_there_is_no_room_many_looks_ask_as_often_as_one() -> None:
    world = world_of(SINGLY + "deadline: 1h\n")
    world.transforms.behaviour = full
    job_id = world.drop(KEY, rows(2))
    for seconds in range(10, 3000, 10):
        world.send("transform", messages.gather(job_id, 0), seconds)

    world.run()

    # At 5, 10, 20 ... 300 seconds, and every five minutes.
    assert world.journal.count("TransformWaits") < 20


def test_the_wait_for_room_is_taken_over_if_its_message_is_lost() -> None:
    world = world_of(SINGLY)
    look, lost = world.handlers["transform"], []

    def lose(document: dict[str, Any]) -> None:
        if document.get("pauses"):
            lost.append(document)
        else:
            look(document)

    world.transforms.behaviour, world.handlers["transform"] = full_at_first(1), lose
    world.drop(KEY, rows(2))

    world.run().sweep_until(600)

    assert len(lost) == 1
    assert world.manifest(KEY)["status"] == "SUCCEEDED"


def test_no_room_until_the_deadline_expires_the_job() -> None:
    world = world_of(SINGLY + "deadline: 1h\n")
    world.transforms.behaviour = full
    world.drop(KEY, rows(2))
    world.run().sweep_until(3 * 3600)

    assert world.manifest(KEY)["status"] == "EXPIRED"


def killing(body: bytes, request: AsyncRequest) -> Response:
    """No container survives a bad record, and nothing that stands behind it is predicted."""
    return Failed(DIED) if b"bad" in body else model(body, request)


@pytest.mark.parametrize("attempts", [1, 6])
@pytest.mark.parametrize(
    ("count", "size", "bad", "most"),
    [(64, 1, [5], 12), (64, 4, [13], 22), (256, 4, [13, 77], 42), (256, 4, [250, 255], 42)],
)
def test_a_record_that_no_container_survives_costs_only_itself(
    count: int, size: int, bad: list[int], most: int, attempts: int
) -> None:
    more = f"chunk: {{max_records: {size}}}\nretry: {{maximum_attempts: {attempts}}}\n"
    world = world_of(more, killing)
    world.drop(KEY, rows(count, *bad))

    world.run().sweep_until(3600)

    assert [error["record"] for error in world.errors(KEY)] == bad
    assert world.manifest(KEY)["status"] == "PARTIAL"
    assert len(chunks_of(world)) <= most


def test_a_model_that_no_container_survives_is_given_up_soon() -> None:
    world = world_of(SINGLY, lambda _body, _request: Failed(DIED))
    world.drop(KEY, rows(300))

    world.run().sweep_until(3600)

    assert world.manifest(KEY)["status"] == "FAILED"
    assert len(chunks_of(world)) <= 6


def test_a_model_that_there_is_not_fails_the_job_at_the_first_call() -> None:
    world = world_of(SINGLY)
    world.transforms.models = frozenset()
    world.drop(KEY, rows(300))
    world.run()

    failure = world.manifest(KEY)["failure"]
    assert world.manifest(KEY)["status"] == "FAILED"
    assert failure["code"] == "ValidationException"
    assert 'Could not find model "demo".' in failure["message"]
    assert "check `invoke` in the pipeline file" in failure["message"]
    assert world.transforms.requests == []
    assert world.manifest(KEY)["transform_jobs"][0]["status"] == "Refused"


def test_a_job_that_comes_to_no_record_fails_with_sagemakers_reason_and_no_bisection() -> None:
    world = world_of(PAIRS)
    world.transform_service.fails = "AlgorithmError: Model container failed to respond to ping"
    world.drop(KEY, rows(8))
    world.run()

    failure = world.manifest(KEY)["failure"]
    assert world.manifest(KEY)["status"] == "FAILED"
    assert failure == {"code": "TransformFailed", "message": world.transform_service.fails}
    assert len(chunks_of(world)) == 1


def test_a_model_that_refuses_everything_is_found_out_early() -> None:
    world = world_of("chunk: {max_records: 64}\n")
    world.drop(KEY, rows(640, *range(640)))
    world.run().sweep_until(3600)

    assert world.manifest(KEY)["failure"]["code"] == "TooManyFailures"
    assert sum(chunks_of(world)) < 300


def test_chunks_that_come_again_do_not_each_ask_for_a_look() -> None:
    queues, clock = FakeQueues(), FakeClock()
    record = RecordAttempt(FakeTable(), FakeJournal(), clock)
    stage = StageChunk(FakeObjects(), queues, record, clock, "work", window=60)
    chunks = [ChunkMessage("job", 0, number, 0, 9, 1, number, 100) for number in range(100)]

    for chunk in chunks:
        stage.ask(chunk)
    clock.advance(30)
    stage.ask(chunks[0])
    stage.ask(replace(chunks[0], segment=256))  # of another group

    asked = [(each.queue, each.document["group"]) for each in queues.sent]
    assert asked == [("transform", 0), ("transform", 0), ("transform", 1)]


def test_an_event_that_comes_twice_changes_nothing() -> None:
    twice = world_of(PAIRS, delays=lambda queue: [0.0, 7.0] if queue == "results" else [0.0])
    twice.drop(KEY, rows(8, 5))
    twice.run()

    assert twice.output(KEY) == ran(rows(8, 5), PAIRS).output(KEY)
    assert len(chunks_of(twice)) == 2


def test_a_transform_job_whose_events_are_lost_is_found_by_the_sweep() -> None:
    world = world_of(SINGLY, delays=lambda queue: [] if queue == "results" else [0.0])
    world.drop(KEY, rows(2))
    world.run()
    world.delays = lambda _queue: [0.0]

    world.sweep_until(1800)

    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    assert world.journal.count("TransformFound") == 1


def test_chunks_that_were_not_told_of_its_end_are_told_again() -> None:
    world = world_of(SINGLY)
    world.drop(KEY, rows(5))
    lost = []

    def losing(due: Any) -> None:
        if due.queue == "transformed":
            world.delays = lambda queue: (
                [] if queue == "results" and world.journal.count("TransformEnded") else [0.0]
            )
            lost.append(due)

    world.before_delivery = losing
    world.run()
    world.delays = lambda _queue: [0.0]
    world.before_delivery = lambda _due: None
    world.sweep_until(2 * 3600)

    assert lost
    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    assert world.journal.count("NotificationsLost") == 1


def test_cancelling_stops_the_transform_job_and_delivers_what_it_has_done() -> None:
    world = world_of(SINGLY)
    world.transform_seconds = 2400.0
    job_id = world.drop(KEY, rows(8))
    world.handlers["cancel"] = lambda _document: cancelled(world, job_id)
    world.handlers["sweep"] = lambda _document: world.sweep_jobs()
    world.send("cancel", {}, 1000)
    for minute in range(200):
        world.send("sweep", {}, 1000 + 60 * minute)
    world.run()

    assert world.manifest(KEY)["status"] == "CANCELLED"
    assert world.manifest(KEY)["records"] == {"total": 8, "succeeded": 4, "failed": 4}
    assert [each["status"] for each in world.manifest(KEY)["transform_jobs"]] == ["Stopped"]
    assert {error["error"] for error in world.errors(KEY)} == {"Cancelled"}


def cancelled(world: World, job_id: str) -> None:
    CancelJob(world.table, world.clock)(job_id)


def test_the_deadline_stops_the_transform_job() -> None:
    world = world_of(SINGLY + "deadline: 1h\n")
    world.transform_seconds = 3 * 3600.0
    world.handlers["sweep"] = lambda _document: world.sweep_jobs()
    world.drop(KEY, rows(4))
    for minute in range(300):
        world.send("sweep", {}, 60 * minute)
    world.run()

    (report,) = world.transforms.reports.values()
    assert report.status is Status.STOPPED
    assert world.manifest(KEY)["status"] == "EXPIRED"


def test_a_transform_job_of_somebody_else_is_dropped() -> None:
    world = world_of()
    request = TransformRequest("nightly-scores", None, "", "", 1, "", "")  # type: ignore[arg-type]
    world.transforms.reports["nightly-scores"] = world.transforms.reports.get("x") or _completed()

    world.send("results", event(request, _completed()))
    world.run()

    assert world.dead_letters == []


def _completed() -> Any:
    return Report(Status.COMPLETED)


def test_a_dead_letter_of_a_look_stops_the_job_and_delivers_what_there_is() -> None:
    world = world_of(SINGLY)
    world.handlers["transform"] = lambda _document: _fail()
    world.drop(KEY, rows(2))
    world.run().handle_dead_letters().sweep()

    assert world.manifest(KEY)["failure"]["code"] == "DeadLetter"
    assert "TransformDeadLetterQueue" in world.manifest(KEY)["failure"]["message"]


def _fail() -> None:
    raise RetryableError("ConnectionError", "reset")


def test_the_end_of_a_transform_job_as_a_dead_letter_is_left_to_the_sweep() -> None:
    world = world_of(SINGLY)
    results = world.handlers["results"]
    world.handlers["results"] = lambda document: (
        _fail() if "detail-type" in document else results(document)
    )
    world.drop(KEY, rows(2))
    world.run().handle_dead_letters()
    world.handlers["results"] = results

    world.sweep_until(1800)

    assert world.manifest(KEY)["status"] == "SUCCEEDED"


def test_a_record_that_is_larger_than_the_payload_may_be_says_so() -> None:
    body = b"small\n" + b"x" * 1_100_000 + b"\nsmall\n"
    world = world_of(invoke=", max_payload: 1MB", region_bytes=10**7)
    world.drop("in/rows.txt", body)
    world.run()

    (error,) = world.errors("in/rows.txt")
    assert (error["record"], error["error"]) == (1, "RecordTooLarge")
    assert "raise it, or send smaller records" in error["message"]


def test_with_lines_a_quoted_newline_costs_only_its_record() -> None:
    world = ran(b'1,a\n2,"b\nc"\n3,d\n', invoke=", strategy: SingleRecord")

    (error,) = world.errors(KEY)
    assert (error["record"], error["error"]) == (1, "EmbeddedNewline")
    assert world.manifest(KEY)["records"]["succeeded"] == 2


def test_a_transform_can_be_redriven() -> None:
    world = ran(rows(4, 2), PAIRS)
    error_file = world.objects.body("output", f"{KEY}.errors.jsonl").replace(b"bad", b"mended")
    world.drop(f"{KEY}.errors.jsonl", error_file)
    world.run()

    assert world.lines(KEY)[2] == "y(2|mended)"
    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    (redrive,) = world.manifest(KEY)["redrives"]
    assert [each["chunks"] for each in redrive["transform_jobs"]] == [1]


def test_many_objects_make_several_transform_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.use_cases.start_transform.MOST_OBJECTS", 3)

    world = ran(rows(8), SINGLY)

    assert chunks_of(world) == [3, 3, 2]
    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    assert {each.stage for each in world.table.transforms.values()} == {Stage.COLLECTED}
