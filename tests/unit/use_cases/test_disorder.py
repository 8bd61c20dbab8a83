"""Messages that come twice, late, out of order, or too early change nothing."""

import random

import pytest

from penstock.domain.identity import InferenceId
from penstock.domain.job import JobStatus
from tests.unit.use_cases.scenarios import SCENARIOS, Scenario
from tests.unit.use_cases.test_interruptions import delivered
from tests.unit.use_cases.world import SERVER_ERROR, Due, Failed, World, model

QUICK = {name: each for name, each in SCENARIOS.items() if each.borders == ("",)}


@pytest.mark.parametrize("name", QUICK)
def test_every_message_delivered_twice_changes_nothing(name: str) -> None:
    scenario = QUICK[name]
    expected = delivered(scenario.dropped().run(), scenario.output_key)

    world = scenario.dropped(delays=lambda queue: [0.0, 1.0]).run()

    assert delivered(world, scenario.output_key) == expected
    assert len(world.announcer.jobs) == 1
    assert world.dead_letters == []


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", QUICK)
def test_messages_in_any_order_with_any_delay_change_nothing(name: str, seed: int) -> None:
    scenario = QUICK[name]
    expected = delivered(scenario.dropped().run(), scenario.output_key)

    world = scenario.dropped(delays=disorderly(seed)).run()

    assert delivered(world, scenario.output_key) == expected
    assert world.dead_letters == []


def disorderly(seed: int):
    chance = random.Random(seed)
    return lambda queue: [chance.uniform(0, 60) for _ in range(chance.choice([1, 1, 2, 3]))]


def overtaking(scenario: Scenario) -> World:
    """SageMaker answers before the function has noted that it asked."""
    world = scenario.dropped()
    real = world.model.invoke_async

    def invoke_async(request):
        ticket = real(request)
        world._served += 1
        document = world.respond(request, ticket)
        world.deliver(Due(world.clock(), 0, "results", document))
        return ticket

    world.handlers = world._built(
        scenario.pipeline,
        scenario.region_bytes,
        lambda name, port: Early(port, invoke_async) if name == "model" else port,
    )
    return world.run()


class Early:
    def __init__(self, model, invoke_async) -> None:
        self.invoke_async, self.invoke = invoke_async, model.invoke


@pytest.mark.parametrize("name", QUICK)
def test_a_result_that_overtakes_the_record_of_its_invocation_counts(name: str) -> None:
    scenario = QUICK[name]
    expected = delivered(scenario.dropped().run(), scenario.output_key)

    world = overtaking(scenario)

    assert delivered(world, scenario.output_key) == expected
    assert world.dead_letters == []


def test_failures_that_overtake_the_record_of_their_invocations_use_up_the_attempts() -> None:
    world = overtaking(
        Scenario(
            "x.csv",
            b"1\n",
            "invoke: {endpoint: demo}\nretry: {maximum_attempts: 3}\n",
            predict=lambda body, request: Failed(SERVER_ERROR),
        )
    )

    assert world.errors("x.csv")[0]["attempts"] == 3
    assert len(world.model.requests) == 3
    assert world.dead_letters == []


class Interposed:
    """A port of which each call is told of right before it does its work."""

    def __init__(self, port, told) -> None:
        self.port, self.told = port, told

    def __getattr__(self, name: str):
        def call(*args, **kwargs):
            self.told(name, args)
            return getattr(self.port, name)(*args, **kwargs)

        return call


@pytest.mark.parametrize(
    ("method", "where"), [("stream", ()), ("put", ("output", "x.csv.manifest.json"))]
)
def test_a_job_that_ended_meanwhile_stays_as_it_ended(method: str, where: tuple) -> None:
    def cancel(name: str, args: tuple) -> None:
        if name == method and args[: len(where)] == where:
            (job_id,) = world.table.jobs
            world.table.update_job(job_id, frozenset(), status=JobStatus.CANCELLED)

    world = World(wrap=lambda name, port: Interposed(port, cancel) if name == "objects" else port)
    job_id = world.drop("x.csv", b"1\n")

    world.run()

    assert world.job(job_id).status is JobStatus.CANCELLED


def test_a_duplicate_event_of_a_finished_job_is_a_no_op() -> None:
    world = World()
    world.drop("x.csv", b"1\n")
    stored = world.objects.history["input", "x.csv"][0]
    event = world.event("input", "x.csv", 2, stored.etag, stored.version_id)
    world.run()
    requests, written = len(world.model.requests), world.objects.history.copy()

    world.send("upload", event)
    world.run()

    assert len(world.model.requests) == requests
    assert world.objects.history == written
    assert len(world.announcer.jobs) == 1


def test_a_duplicate_event_of_a_job_that_is_split_does_not_split_it_again() -> None:
    delays = {"upload": [0.0, 30.0], "results": [60.0]}
    world = World(delays=lambda queue: delays.get(queue, [0.0]))
    world.drop("x.csv", b"1\n")

    world.run()

    assert world.journal.count("JobSplit") == 1
    assert world.lines("x.csv") == ["y(1)"]


def test_a_message_that_comes_twice_invokes_the_model_once() -> None:
    delays = {"invoke": [0.0, 5.0, 9.0], "results": [60.0]}
    world = World(delays=lambda queue: delays.get(queue, [0.0]))
    world.drop("x.csv", b"1\n")

    world.run()

    assert len(world.model.requests) == 1


def test_the_failure_of_an_earlier_attempt_that_comes_again_is_stale() -> None:
    def unwell_at_first(body, request):
        first = InferenceId.parse(request.inference_id).attempt == 1
        return Failed(SERVER_ERROR) if first else model(body, request)

    latencies = iter([[0.0, 50.0], [100.0]])
    world = World(
        unwell_at_first,
        delays=lambda queue: next(latencies) if queue == "results" else [0.0],
    )
    world.drop("x.csv", b"1\n")

    world.run()

    assert len(world.model.requests) == 2
    assert world.lines("x.csv") == ["y(1)"]


def test_the_first_answer_counts_when_two_attempts_answer() -> None:
    world = World(delays=lambda queue: [0.0])
    job_id = world.drop("x.csv", b"1\n")
    world.run()
    again = world.notifications[0] | {"invocationStatus": "Failed", "failureReason": SERVER_ERROR}

    world.send("results", again)
    world.run()

    assert world.lines("x.csv") == ["y(1)"]
    assert len(world.model.requests) == 1
    assert world.job(job_id).status == "SUCCEEDED"


def test_notifications_of_other_peoples_inferences_are_dropped() -> None:
    world = World()
    world.send("results", {"invocationStatus": "Completed", "inferenceId": "1f9679f3-0000"})
    world.send("results", {"invocationStatus": "Failed"})

    world.run()

    assert world.dead_letters == []


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_the_notification_of_a_job_that_is_forgotten_is_dropped(status: str) -> None:
    world = World()
    world.send(
        "results", {"invocationStatus": status, "inferenceId": f"{'0' * 20}:00000.0000:1:1:1"}
    )

    world.run()

    assert world.dead_letters == []


def test_a_job_is_not_finished_before_it_is_split() -> None:
    world = World(delays=lambda queue: [100.0] if queue == "split" else [0.0])
    job_id = world.drop("x.csv", b"1\n")
    world.send("assemble", {"kind": "finish", "job_id": job_id})
    world.send("assemble", {"kind": "finish", "job_id": "0" * 20})

    world.run()

    assert world.lines("x.csv") == ["y(1)"]
    assert world.dead_letters == []


@pytest.mark.parametrize("queue", ["split", "invoke", "assemble"])
def test_messages_of_a_job_that_is_forgotten_are_dropped(queue: str) -> None:
    world = World()
    world.drop("x.csv", b"1\n2\n")
    world.before_delivery = lambda due: world.table.jobs.clear() if due.queue == queue else None

    world.run()

    assert world.dead_letters == []
    assert world.objects.keys("output") == []
