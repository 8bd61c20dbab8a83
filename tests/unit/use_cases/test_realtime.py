"""Real-time inference: who asks, settles."""

from typing import TYPE_CHECKING, Any

import pytest

from penstock.domain.pacing import first_pace
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.ports import SyncRequest
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Answered,
    Due,
    Failed,
    Killed,
    Request,
    Response,
    World,
    model,
)

if TYPE_CHECKING:
    from penstock.domain.chunk import ChunkState

REALTIME = "invoke: {mode: realtime, endpoint: demo}\n"
SMALL = "chunk: {max_records: 2}\n"


def raising(world: World, *troubles: Trouble) -> None:
    """The first calls fail so, one after the other."""
    left = list(troubles)

    def behaviour(_request: Request) -> None:
        if left:
            raise InvocationError(left.pop(0))

    world.model.behaviour = behaviour


def test_answers_are_delivered_in_the_order_of_the_records() -> None:
    world = World(pipeline=REALTIME + SMALL)
    world.drop("rows.csv", b"1\n2\n3\n4\n5\n")

    world.run()

    assert world.lines("rows.csv") == ["y(1)", "y(2)", "y(3)", "y(4)", "y(5)"]
    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert world.model.accepted == []


def test_a_file_of_one_chunk_takes_four_function_calls() -> None:
    world, delivered = World(pipeline=REALTIME), []
    world.before_delivery = lambda due: delivered.append(due.queue)
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert delivered == ["upload", "split", "invoke", "assemble"]


def test_a_request_has_what_the_pipeline_says() -> None:
    world = World(
        pipeline="""
invoke:
  mode: realtime
  endpoint: demo
  accept: text/plain
  timeout: 20s
  custom_attributes: tier=gold
  target_variant: blue
input: {header: send}
"""
    )
    job_id = world.drop("rows.csv", b"a,b\n1,2\n")

    world.run()

    (request,) = world.model.requests
    assert isinstance(request, SyncRequest)
    assert (request.endpoint, request.timeout) == ("demo", 20)
    assert request.inference_id == f"{job_id}:00000.0000:1:1:1"
    assert (request.content_type, request.accept) == ("text/csv", "text/plain")
    assert (request.custom_attributes, request.target.variant) == ("tier=gold", "blue")
    assert request.body == b"a,b\n1,2\n"


def test_a_4xx_of_the_model_costs_only_the_record_that_is_to_blame() -> None:
    def picky(body: bytes, request: Request) -> Response:
        return Failed(CLIENT_ERROR, b"no 3s") if b"3" in body else model(body, request)

    world = World(picky, pipeline=REALTIME)
    world.drop("rows.csv", b"1\n2\n3\n4\n")

    world.run()

    (error,) = world.errors("rows.csv")
    assert (error["record"], error["error"], error["message"]) == (2, "ModelError", "no 3s")
    assert [line for line in world.lines("rows.csv") if "y" in line][:2] == ["y(1)", "y(2)"]
    assert world.manifest("rows.csv")["records"] == {"total": 4, "succeeded": 3, "failed": 1}


def test_a_wrong_number_of_results_is_bisected_too() -> None:
    def short(body: bytes, request: Request) -> Response:
        return b"y\n" if b"3" in body else model(body, request)

    world = World(short, pipeline=REALTIME)
    world.drop("rows.csv", b"1\n2\n3\n4\n")

    world.run()

    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert world.lines("rows.csv")[2] == "y"


def test_throttles_and_models_that_are_not_ready_cost_no_attempt() -> None:
    world = World(pipeline=REALTIME + "retry: {maximum_attempts: 1}\n")
    busy = Trouble(Kind.UNAVAILABLE, "ThrottlingException", "slow down")
    loading = Trouble(Kind.UNAVAILABLE, "ModelNotReadyException", "loading")
    raising(world, busy, loading, loading, busy)
    world.drop("rows.csv", b"1\n")

    world.run()

    manifest = world.manifest("rows.csv")
    assert (manifest["status"], manifest["attempts"]) == ("SUCCEEDED", 1)


def test_a_model_that_is_not_ready_leaves_the_limit_of_its_endpoint_alone() -> None:
    world = World(pipeline=REALTIME)
    raising(world, *[Trouble(Kind.UNAVAILABLE, "ModelNotReadyException", "loading")] * 3)
    world.drop("rows.csv", b"1\n")

    world.run()

    assert world.journal.count("LimitSet") == 0


def test_a_throttle_lowers_the_limit_of_its_endpoint() -> None:
    world = World(pipeline=REALTIME)
    raising(world, Trouble(Kind.UNAVAILABLE, "ThrottlingException", "slow down"))
    world.drop("rows.csv", b"1\n")

    world.run()

    first = next(fields for event, fields in world.journal.lines if event == "LimitSet")
    assert first["limit"] < first_pace(world.cap).limit


@pytest.mark.parametrize(
    "passing",
    [
        Trouble(Kind.RETRYABLE, "InternalDependencyException", "530"),
        Trouble(Kind.RETRYABLE, "ModelTimeout", "silence", of_records=True),
        Trouble(Kind.RETRYABLE, "ModelError", "500", of_records=True),
    ],
)
def test_what_may_pass_is_tried_again(passing: Trouble) -> None:
    world = World(pipeline=REALTIME)
    raising(world, passing, passing)
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    manifest = world.manifest("rows.csv")
    assert (manifest["status"], manifest["attempts"], manifest["retries"]) == ("SUCCEEDED", 3, 2)


def test_an_endpoint_that_refuses_the_call_fails_the_job_after_its_first_chunks() -> None:
    world = World(pipeline=REALTIME + "chunk: {max_records: 1}\n", region_bytes=1000)
    raising(world, *[Trouble(Kind.PERMANENT, "ValidationError", "is asynchronous")] * 1000)
    world.drop("rows.csv", b"1\n" * 200)

    world.run()
    world.sweep()

    manifest = world.manifest("rows.csv")
    assert (manifest["status"], manifest["failure"]["code"]) == ("FAILED", "ValidationError")
    assert len(world.model.requests) == 1


def test_a_copy_of_a_message_waits_until_the_call_is_over() -> None:
    """It neither repeats the inference nor gets lost."""
    world = World(pipeline=REALTIME)
    copies: list[int] = []

    def slow(body: bytes, request: Request) -> Response:
        if not copies:
            copies.append(1)
            again = next(due for due in seen if due.queue == "invoke")
            world.handlers["invoke"](again.document)
        return model(body, request)

    seen: list[Due] = []
    world.before_delivery = seen.append
    world.predict = slow
    world.drop("rows.csv", b"1\n")

    world.run()

    assert len(world.model.requests) == 1
    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert sum(due.queue == "invoke" for due in seen) == 2


def test_the_message_of_a_function_that_died_in_its_call_asks_again() -> None:
    world = World(pipeline=REALTIME + "retry: {maximum_attempts: 1}\n")
    calls: list[Request] = []

    def deadly(body: bytes, request: Request) -> Response:
        calls.append(request)
        if len(calls) == 1:
            raise Killed
        return model(body, request)

    world.predict = deadly
    world.drop("rows.csv", b"1\n")
    began = world.clock()

    world.run()

    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert len(calls) == 2
    assert world.clock() - began >= 60


def test_the_sweep_tries_a_chunk_again_whose_message_is_lost() -> None:
    world = World(pipeline=REALTIME)
    dead: list[bool] = []

    def deadly(body: bytes, request: Request) -> Response:
        if not dead:
            dead.append(True)
            raise Killed
        return model(body, request)

    world.predict = deadly
    job_id = world.drop("rows.csv", b"1\n")
    world._bring_back = lambda due: None  # type: ignore[method-assign]

    world.run().sweep_until(3600)

    assert world.job(job_id).status == "SUCCEEDED"


def test_a_request_above_the_limit_is_halved_before_it_is_sent() -> None:
    pipeline = "invoke: {mode: realtime, endpoint: demo, max_payload: 1KiB}\n"
    world = World(pipeline=pipeline, region_bytes=10_000)
    row = b"x" * 300 + b"\n"
    world.drop("rows.csv", row * 6)

    world.run()

    assert [len(each.body or b"") for each in world.model.requests] == [903, 903]
    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"


def test_a_single_record_above_the_limit_becomes_an_error_line_that_says_what_to_do() -> None:
    world = World(pipeline="invoke: {mode: realtime, endpoint: demo, max_payload: 1KiB}\n")
    world.drop("rows.csv", b"1\n" + b"x" * 2000 + b"\n3\n")

    world.run()

    (error,) = world.errors("rows.csv")
    assert (error["record"], error["error"]) == (1, "RecordTooLarge")
    assert "`invoke.max_payload` of 1024" in error["message"]
    assert "mode: async" in error["message"]


def test_an_endpoint_that_takes_less_than_the_pipeline_thinks_has_its_chunks_halved() -> None:
    """A serverless one, for example: 4 MB."""

    def serverless(body: bytes, request: Request) -> Response:
        return model(body, request)

    world = World(serverless, pipeline=REALTIME)

    def behaviour(request: Request) -> None:
        if len(request.body or b"") > 6:
            trouble = Trouble(Kind.PERMANENT, "ValidationError", "too large", of_records=True)
            raise InvocationError(trouble)

    world.model.behaviour = behaviour
    world.drop("rows.csv", b"1\n2\n3\n4\n5\n6\n7\n8\n")

    world.run()

    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert world.lines("rows.csv")[-1] == "y(8)"


def test_the_manifest_says_which_variant_has_answered_for_which_records() -> None:
    def by_variant(body: bytes, request: Request) -> Response:
        variant = "blue" if body[:1] in b"135" else "green"
        return Answered(b"y\n" * body.count(b"\n"), "text/csv", variant)

    world = World(by_variant, pipeline=REALTIME + SMALL, region_bytes=1000)
    world.drop("rows.csv", b"1\n2\n3\n4\n6\n6\n5\n")

    world.run()

    manifest = world.manifest("rows.csv")
    assert manifest["variants"] == {
        "blue": {"chunks": 3, "records": 5},
        "green": {"chunks": 1, "records": 2},
    }
    assert manifest["served_by"] == [
        {"variant": "blue", "first_record": 0, "records": 4},
        {"variant": "green", "first_record": 4, "records": 2},
        {"variant": "blue", "first_record": 6, "records": 1},
    ]


def test_a_failed_chunk_was_served_by_nobody() -> None:
    def by_variant(body: bytes, request: Request) -> Response:
        if b"3" in body:
            return Failed(SERVER_ERROR)
        return Answered(b"y\n" * body.count(b"\n"), "text/csv", "blue")

    one_each = "chunk: {max_records: 1}\nretry: {maximum_attempts: 1}\n"
    world = World(by_variant, pipeline=REALTIME + one_each)
    world.drop("rows.csv", b"1\n2\n3\n4\n")

    world.run()

    manifest = world.manifest("rows.csv")
    assert manifest["variants"] == {"blue": {"chunks": 3, "records": 3}}
    assert manifest["served_by"] == [
        {"variant": "blue", "first_record": 0, "records": 2},
        {"variant": "blue", "first_record": 3, "records": 1},
    ]


def test_permits_are_given_back_when_the_answer_is_there() -> None:
    world = World(pipeline=REALTIME + SMALL, cap=1)
    world.drop("rows.csv", b"1\n2\n3\n4\n5\n6\n")

    world.run()

    assert world.admissions.held("demo") == 0
    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"


def test_an_attempt_is_on_record_before_its_call() -> None:
    """So that the sweep and the copies of its message know of it."""
    found: list[ChunkState] = []

    def looking(body: bytes, request: Request) -> Response:
        found.extend(world.table.chunks.values())
        return model(body, request)

    world = World(looking, pipeline=REALTIME)
    world.drop("rows.csv", b"1\n")

    world.run()

    (state,) = found
    assert (state.attempt, state.outcome) == (1, None)
    assert state.invoked_at is not None


class Mortal:
    """A port whose calls come to nothing once their function is dead."""

    def __init__(self, port: Any, dead: list[bool]) -> None:
        self.port, self.dead = port, dead

    def __getattr__(self, name: str) -> Any:
        if self.dead:
            raise Killed
        return getattr(self.port, name)


def test_chunks_whose_function_died_go_on_with_the_permits_that_it_held() -> None:
    """All permits of the endpoint are out, and nobody is left to give them back."""
    dead: list[bool] = []
    deaths: list[str] = []
    world = World(
        pipeline=REALTIME + "chunk: {max_records: 1}\n",
        cap=2,
        wrap=lambda _name, port: Mortal(port, dead),
    )
    world.before_delivery = lambda _due: dead.clear()

    def deadly(body: bytes, request: Request) -> Response:
        if len(deaths) < 2:
            deaths.append(request.inference_id)
            dead.append(True)
            raise Killed
        return model(body, request)

    world.predict = deadly
    world.drop("rows.csv", b"1\n2\n3\n4\n")
    began = world.clock()

    world.run()

    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert world.admissions.held("demo") == 0
    assert world.clock() - began < 900
