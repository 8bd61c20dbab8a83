"""Everything at once, and the output is right to the byte."""

import json
import os
import random
from collections.abc import Iterator
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
KEY = "chaos/records.txt"
PIPELINE = f"""
invoke: {{endpoint: {ENDPOINT}, timeout: 2s, queue_timeout: 10m}}
chunk: {{max_records: 1000}}
retry: {{initial_interval: 200ms, maximum_interval: 1s, maximum_attempts: 5}}
"""
COUNT = 100_000
POISON = {"poison": 5, "explode": 1, "fatal": 1}
"""Words of the echo model, and how many records have them."""

SAID = {
    "poison": ("record 0 is poison",),
    "explode": ("record 0 explodes", "could not get a response", "timed out", "(500) from model"),
    "fatal": ("could not get a response", "timed out", "(0) from model"),
}
"""What an error line quotes. Who is tried again may meet a server that dies of something else.

SageMaker's own words stand for the model's if a doubled notification had the attempt made twice:
the record has one failure object, and the other invocation may be the first to be told of.
"""


@pytest.fixture
def endpoint(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """Two model servers of its own: a record that kills one leaves the other."""
    image, environment = IMAGES / "echo" / "image", {"ECHO_STATE_DIR": str(tmp_path)}
    create_endpoint(stack.document, Endpoint(ENDPOINT, image, environment, instances=2))
    yield ENDPOINT
    delete_endpoint(stack.document, ENDPOINT)


def make_records(chance: random.Random) -> tuple[list[str], dict[int, str]]:
    """The records, and which of them are poison: index -> word."""
    words = [word for word, times in POISON.items() for _ in range(times)]
    poison = dict(zip(sorted(chance.sample(range(COUNT), len(words))), words, strict=True))
    tails = [chance.randbytes(chance.randrange(10, 60)).hex() for _ in range(COUNT)]
    return [f"{poison.get(n, 'record')} {n} {tail}" for n, tail in enumerate(tails)], poison


def test_100_000_records_come_out_right_to_the_byte_whatever_breaks(
    stack: Stack, endpoint: str
) -> None:
    chance = random.Random(SEED)
    records, poison = make_records(chance)
    timeouts = chaos.timeouts()

    with chaos.Weather(stack, *lossy(endpoint)) as weather, chaos.impatience(stack):
        storm = chaos.Storm(stack, endpoint, weather, chance)
        delivered = weather_out(stack, storm, "\n".join(records).encode())

    check_errors(delivered, records, poison)
    assert stack.output(f"{KEY}.out") == truth(records, delivered.errors)
    assert delivered.counts == (COUNT, COUNT - len(poison), len(poison))
    assert delivered.manifest["status"] == "PARTIAL"
    check_storm(storm, timeouts)


def lossy(endpoint: str) -> list[dict[str, Any]]:
    kinds = ("lost_notification", "duplicate_notification")
    return [{"fault": kind, "endpoint": endpoint, "probability": 0.2} for kind in kinds]


def weather_out(stack: Stack, storm: chaos.Storm, body: bytes) -> Delivered:
    stack.configure("chaos", PIPELINE)
    job_id = stack.drop(KEY, body)

    def ended() -> bool | None:
        storm.blow()
        status = stack.job_status(job_id)
        if status:
            sweep.come(job_id)
        return True if status and JobStatus(status).terminal else None

    with chaos.HurriedSweep(stack) as sweep:
        eventually(ended, patience=300)
    return stack.wait(KEY, job_id)


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


def check_storm(storm: chaos.Storm, timeouts_before: int) -> None:
    """It was one."""
    assert {whom for _, whom in storm.deck} <= set(chaos.RARE), storm.deck
    assert chaos.timeouts() > timeouts_before
    struck = storm.weather.struck
    kinds = ("throttle", "lost_answer", "lost_notification", "duplicate_notification")
    assert all(struck[kind] for kind in kinds), struck
