"""Everything at once, and the output is right to the byte."""

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.echo.echo_reference import expected_line
from examples.inference_types.example import create_model
from examples.local_endpoint import (
    Endpoint,
    client,
    create_endpoint,
    delete_endpoint,
    image_url,
)
from tests.e2e import chaos, chaos_storm
from tests.e2e.conftest import IMAGES
from tests.e2e.harness import Delivered, Stack, eventually

SEED = int(os.environ.get("CHAOS_SEED", "3"))
NAME = "chaos"
"""Of the endpoint, or of the model where there is none."""

RETRY = "retry: {initial_interval: 1s, maximum_interval: 8s, maximum_attempts: %d}\n"
"""An eighth of what is the default. Less would have records that stand beside one which kills each
server it meets use up their attempts while the servers start again."""


@dataclass(frozen=True)
class Trial:
    """One mode: how many records go in chunks of how many, and what can strike it.

    `invoke` are more keys of the pipeline's. `lasting` faults strike at any time, one time in five,
    and `struck` are those that cards bring.
    """

    mode: str
    count: int
    max_records: int
    invoke: str
    cards: tuple[chaos_storm.Card, ...]
    struck: tuple[str, ...] = ("lost_answer", "throttle")
    lasting: tuple[str, ...] = ()
    attempts: int = 6

    @property
    def key(self) -> str:
        return f"chaos-{self.mode}/records.txt"

    @property
    def pipeline(self) -> str:
        invoke = f"{{mode: {self.mode}, timeout: 2s, {self.invoke}}}"
        return (
            f"invoke: {invoke}\nchunk: {{max_records: {self.max_records}}}\n{RETRY % self.attempts}"
        )

    @property
    def has_endpoint(self) -> bool:
        return self.mode != "transform"


ASYNC = Trial(
    "async",
    100_000,
    1000,
    f"endpoint: {NAME}, queue_timeout: 10m",
    chaos_storm.ASYNC_CARDS,
    lasting=("lost_notification", "duplicate_notification"),
)
REALTIME = Trial("realtime", 30_000, 200, f"endpoint: {NAME}", chaos_storm.REALTIME_CARDS)
TRANSFORM = Trial(
    "transform",
    20_000,
    64,
    f"model: {NAME}, instance_type: ml.m5.large, instance_count: 2, max_concurrent_transforms: 2"
    ", max_retries: 1",
    chaos_storm.TRANSFORM_CARDS,
    (
        "hang",
        "lost_answer",
        "throttle",
        "model_error",
        "lost_event",
        "duplicate_event",
        chaos_storm.NO_ROOM,
    ),
    attempts=3,  # each is a transform job, one after the other
)
POISON = {"poison": 5, "explode": 1, "fatal": 1}
"""Words of the echo model, and how many records have them."""

NO_ANSWER = ("could not get a response", "timed out", "no answer within")
SAID = {
    "poison": ("record 0 is poison",),
    "explode": ("record 0 explodes", *NO_ANSWER, "(500) from model"),
    "fatal": (*NO_ANSWER, "(0) from model"),
}
"""What an error line quotes. Who is tried again may meet a server that dies of something else.

SageMaker's own words stand for the model's if a doubled notification had the attempt made twice:
the record has one failure object, and the other invocation may be the first to be told of.
"""

OF_A_TRANSFORM_JOB = ("See job logs",)
"""SageMaker gives one reason for all records of a transform job, and quotes none."""


@pytest.fixture(params=[ASYNC, REALTIME, TRANSFORM], ids=lambda trial: str(trial.mode))
def trial(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[Trial]:
    """Two model servers of its own: a record that kills one leaves the other."""
    trial, image = request.param, IMAGES / "echo" / "image"
    environment = {"ECHO_STATE_DIR": str(tmp_path)}
    if trial.has_endpoint:
        asynchronous = trial is ASYNC
        create_endpoint(
            stack.document, Endpoint(NAME, image, environment, 2, asynchronous=asynchronous)
        )
        yield trial
        delete_endpoint(stack.document, NAME)
    else:
        container = {"Image": image_url(image), "Environment": environment}
        create_model(stack.document, NAME, container)
        with stack.limits(**chaos_storm.ROOM):
            yield trial
        client(stack.document, "sagemaker").delete_model(ModelName=NAME)


def make_records(count: int, chance: random.Random) -> tuple[list[str], dict[int, str]]:
    """The records, and which of them are poison: index -> word."""
    words = [word for word, times in POISON.items() for _ in range(times)]
    poison = dict(zip(sorted(chance.sample(range(count), len(words))), words, strict=True))
    tails = [chance.randbytes(chance.randrange(10, 60)).hex() for _ in range(count)]
    return [f"{poison.get(n, 'record')} {n} {tail}" for n, tail in enumerate(tails)], poison


def test_records_come_out_right_to_the_byte_whatever_breaks(stack: Stack, trial: Trial) -> None:
    chance = random.Random(SEED)
    records, poison = make_records(trial.count, chance)
    timeouts = chaos.timeouts()

    with chaos.Weather(stack, *lasting(trial)) as weather, chaos.impatience(stack):
        storm = chaos_storm.Storm(stack, target(stack, weather, trial), trial.cards, chance)
        delivered = weather_out(stack, storm, trial, "\n".join(records).encode())

    check_errors(trial, delivered, records, poison)
    assert stack.output(f"{trial.key}.out") == truth(records, delivered.errors)
    assert delivered.counts == (trial.count, trial.count - len(poison), len(poison))
    assert delivered.manifest["status"] == "PARTIAL"
    check_storm(storm, weather, trial)
    if trial is ASYNC:
        # In real time a call that hangs is given up before its function is; the function that
        # creates transform jobs may be killed before its time is up.
        assert chaos.timeouts() > timeouts


def lasting(trial: Trial) -> list[dict[str, Any]]:
    return [{"fault": kind, "endpoint": NAME, "probability": 0.2} for kind in trial.lasting]


def target(stack: Stack, weather: chaos.Weather, trial: Trial) -> chaos_storm.Target:
    if trial.has_endpoint:
        return chaos_storm.EndpointTarget(stack, weather, NAME)
    return chaos_storm.TransformTarget(stack, weather)


def weather_out(stack: Stack, storm: chaos_storm.Storm, trial: Trial, body: bytes) -> Delivered:
    stack.configure(f"chaos-{trial.mode}", trial.pipeline)
    job_id = stack.drop(trial.key, body)

    def ended() -> bool | None:
        storm.blow()
        return sweep.has_ended(job_id)

    with chaos.HurriedSweep(stack) as sweep:
        eventually(ended, patience=600)
    return stack.wait(trial.key, job_id)


def check_errors(
    trial: Trial, delivered: Delivered, records: list[str], poison: dict[int, str]
) -> None:
    """There is an error line for each poison record, and for no other."""
    assert [error["record"] for error in delivered.errors] == sorted(poison), delivered.errors
    for error in delivered.errors:
        said = SAID[poison[error["record"]]] if trial.has_endpoint else OF_A_TRANSFORM_JOB
        assert error["input"] == records[error["record"]]
        assert any(words in error["message"] for words in said), error


def truth(records: list[str], errors: list[dict[str, Any]]) -> bytes:
    """What the model would have said of each record alone, and error lines in their places."""
    lines = [expected_line(record) for record in records]
    for error in errors:
        inline = {name: error[name] for name in ("error", "message", "record")}
        lines[error["record"]] = json.dumps(inline, separators=(",", ":"))
    return "".join(f"{line}\n" for line in lines).encode()


def check_storm(storm: chaos_storm.Storm, weather: chaos.Weather, trial: Trial) -> None:
    """It was one."""
    assert {whom for _, whom in storm.deck} <= set(chaos_storm.RARE), storm.deck
    struck = weather.struck
    assert all(struck[kind] for kind in (*trial.struck, *trial.lasting)), struck
