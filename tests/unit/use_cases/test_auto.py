"""`mode: auto`: the choice follows from the endpoint and the file, and the manifest says why."""

import pytest

from penstock.domain.choice import Kind
from penstock.domain.job import Job
from tests.unit.use_cases.world import World

ENDPOINT = "invoke: {mode: auto, endpoint: churn}\n"
MODEL = "invoke: {mode: auto, model: churn, instance_type: ml.m5.large}\n"
BOTH = (
    "invoke: {mode: auto, endpoint: churn, model: churn, instance_type: ml.m5.large, "
    "transform_from: 1KB}\n"
)


def world_of(pipeline: str, kind: Kind | None = None) -> World:
    world = World(pipeline=pipeline)
    world.endpoints.kinds = {"churn": kind} if kind else {}
    return world


def accepted(world: World, body: bytes = b"1\n") -> Job:
    """The job as it starts; nothing of it is done."""
    job_id = world.drop("rows.csv", body)
    world.handlers["upload"](world._due[0].document)
    return world.job(job_id)


@pytest.mark.parametrize(
    ("pipeline", "kind", "size", "mode", "reason"),
    [
        (ENDPOINT, "asynchronous", 9, "async", "endpoint churn is asynchronous"),
        (ENDPOINT, "serverless", 9, "realtime", "endpoint churn is serverless"),
        (ENDPOINT, "instances", 9, "realtime", "has instances and is not asynchronous"),
        (MODEL, None, 9, "transform", "the pipeline names a model and no endpoint"),
        (BOTH, "asynchronous", 999, "async", "endpoint churn is asynchronous"),
        (BOTH, "asynchronous", 1000, "transform", "1000 bytes are at least transform_from, 1000"),
        (BOTH, "instances", 999, "realtime", "has instances"),
        (
            BOTH.replace("auto,", "auto, timeout: 5m,"),
            "instances",
            9,
            "transform",
            "an invocation may take 300 seconds, more than 60 in real time",
        ),
    ],
)
def test_the_mode_follows_from_the_endpoint_and_the_size(
    pipeline: str, kind: Kind | None, size: int, mode: str, reason: str
) -> None:
    invoke = accepted(world_of(pipeline, kind), b"1" * size).pipeline.invoke

    assert (invoke.mode, reason in (invoke.choice or "")) == (mode, True), invoke.choice
    assert (invoke.transform is not None) == (mode == "transform")
    assert bool(invoke.endpoint) == (mode != "transform")


@pytest.mark.parametrize(
    ("kind", "given", "timeout", "payload"),
    [
        ("asynchronous", "", 900, None),
        ("instances", "", 60, 6 * 1024**2),
        ("instances", ", max_payload: 25MB", 60, 25_000_000),
        ("serverless", "", 60, 4_000_000),
        ("serverless", ", max_payload: 25MB", 60, 4_000_000),
        ("serverless", ", max_payload: 1MB", 60, 1_000_000),
        ("asynchronous", ", timeout: 20s", 20, None),
        ("instances", ", timeout: 20s", 20, 6 * 1024**2),
    ],
)
def test_limits_are_those_of_the_chosen_type(
    kind: Kind, given: str, timeout: int, payload: int | None
) -> None:
    pipeline = ENDPOINT.replace("churn", f"churn{given}")

    invoke = accepted(world_of(pipeline, kind)).pipeline.invoke

    assert (invoke.timeout, invoke.max_payload) == (timeout, payload)


def test_the_choice_and_its_reason_are_in_the_manifest() -> None:
    world = world_of(ENDPOINT, "instances")
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    manifest = world.manifest("rows.csv")
    assert manifest["choice"] == {
        "mode": "realtime",
        "reason": "endpoint churn has instances and is not asynchronous",
    }
    assert world.lines("rows.csv") == ["y(1)", "y(2)"]


def test_a_mode_that_was_given_is_no_choice() -> None:
    world = world_of("invoke: {endpoint: churn}\n")
    world.drop("rows.csv", b"1\n")

    world.run()

    assert "choice" not in world.manifest("rows.csv")
    assert world.endpoints.asked == []


@pytest.mark.parametrize(
    ("pipeline", "kind", "code", "says"),
    [
        (ENDPOINT, None, "NoSuchEndpoint", "there is no endpoint churn"),
        (
            ENDPOINT.replace("churn", "churn, target_variant: blue"),
            "asynchronous",
            "UnsuitableEndpoint",
            "an asynchronous request cannot name a part of its endpoint; name another endpoint",
        ),
        (
            ENDPOINT.replace("churn", "churn, timeout: 5m"),
            "serverless",
            "UnsuitableEndpoint",
            "`invoke.timeout` is 300 seconds, and endpoint churn answers in real time, within 60",
        ),
    ],
)
def test_where_nothing_can_be_chosen_the_file_fails_before_anything_is_sent(
    pipeline: str, kind: Kind | None, code: str, says: str
) -> None:
    world = world_of(pipeline, kind)
    world.drop("rows.csv", b"1\n")

    world.run()

    failure = world.manifest("rows.csv")["failure"]
    assert (failure["code"], says in failure["message"]) == (code, True), failure
    assert world.model.requests == []
