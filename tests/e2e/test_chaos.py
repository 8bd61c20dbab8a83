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
from examples.local_endpoint import Endpoint, create_endpoint, delete_endpoint
from penstock.domain.job import JobStatus
from tests.e2e import chaos
from tests.e2e.conftest import IMAGES
from tests.e2e.harness import Delivered, Stack, eventually

SEED = int(os.environ.get("CHAOS_SEED", "3"))
ENDPOINT = "chaos"
RETRY = "retry: {initial_interval: 200ms, maximum_interval: 1s, maximum_attempts: 5}\n"


@dataclass(frozen=True)
class Trial:
    """One mode: how many records go in chunks of how many, and which faults can strike it."""

    mode: str
    count: int
    max_records: int
    lossy: tuple[str, ...] = ()
    how: str = ""

    @property
    def key(self) -> str:
        return f"chaos-{self.mode}/records.txt"

    @property
    def pipeline(self) -> str:
        invoke = f"{{mode: {self.mode}, endpoint: {ENDPOINT}, timeout: 2s{self.how}}}"
        return f"invoke: {invoke}\nchunk: {{max_records: {self.max_records}}}\n{RETRY}"


ASYNC = Trial(
    "async",
    100_000,
    1000,
    ("lost_notification", "duplicate_notification"),
    ", queue_timeout: 10m",
)
REALTIME = Trial("realtime", 30_000, 200)
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


@pytest.fixture(params=[ASYNC, REALTIME], ids=lambda trial: str(trial.mode))
def trial(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[Trial]:
    """Two model servers of its own: a record that kills one leaves the other."""
    image, environment = IMAGES / "echo" / "image", {"ECHO_STATE_DIR": str(tmp_path)}
    create_endpoint(
        stack.document,
        Endpoint(ENDPOINT, image, environment, 2, asynchronous=request.param is ASYNC),
    )
    yield request.param
    delete_endpoint(stack.document, ENDPOINT)


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

    with chaos.Weather(stack, *lossy(trial)) as weather, chaos.impatience(stack):
        storm = chaos.Storm(stack, ENDPOINT, weather, chance)
        delivered = weather_out(stack, storm, trial, "\n".join(records).encode())

    check_errors(delivered, records, poison)
    assert stack.output(f"{trial.key}.out") == truth(records, delivered.errors)
    assert delivered.counts == (trial.count, trial.count - len(poison), len(poison))
    assert delivered.manifest["status"] == "PARTIAL"
    check_storm(storm, trial)
    if trial is ASYNC:
        # In real time a call that hangs is given up before its function is.
        assert chaos.timeouts() > timeouts


def lossy(trial: Trial) -> list[dict[str, Any]]:
    return [{"fault": kind, "endpoint": ENDPOINT, "probability": 0.2} for kind in trial.lossy]


def weather_out(stack: Stack, storm: chaos.Storm, trial: Trial, body: bytes) -> Delivered:
    stack.configure(f"chaos-{trial.mode}", trial.pipeline)
    job_id = stack.drop(trial.key, body)

    def ended() -> bool | None:
        storm.blow()
        status = stack.job_status(job_id)
        if status:
            sweep.come(job_id)
        return True if status and JobStatus(status).terminal else None

    with chaos.HurriedSweep(stack) as sweep:
        eventually(ended, patience=300)
    return stack.wait(trial.key, job_id)


def check_errors(delivered: Delivered, records: list[str], poison: dict[int, str]) -> None:
    """There is an error line for each poison record, and for no other."""
    assert [error["record"] for error in delivered.errors] == sorted(poison)
    for error in delivered.errors:
        word = poison[error["record"]]
        assert error["input"] == records[error["record"]]
        assert any(words in error["message"] for words in SAID[word]), error


def truth(records: list[str], errors: list[dict[str, Any]]) -> bytes:
    """What the model would have said of each record alone, and error lines in their places."""
    lines = [expected_line(record) for record in records]
    for error in errors:
        inline = {name: error[name] for name in ("error", "message", "record")}
        lines[error["record"]] = json.dumps(inline, separators=(",", ":"))
    return "".join(f"{line}\n" for line in lines).encode()


def check_storm(storm: chaos.Storm, trial: Trial) -> None:
    """It was one. In real time there are no results to collect."""
    idle = set(chaos.RARE) if trial is ASYNC else {*chaos.RARE, "CollectResult"}
    assert {whom for _, whom in storm.deck} <= idle, storm.deck
    struck = storm.weather.struck
    kinds = ("throttle", "lost_answer", *trial.lossy)
    assert all(struck[kind] for kind in kinds), struck
