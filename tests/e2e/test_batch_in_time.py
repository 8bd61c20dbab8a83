"""A thousand slow requests, of which some fail at first, within the time that the job has.

On AWS it would be 2 s of model time for each of 1,000 requests, and 15 minutes for all of them.
Here everything takes a third of that.
"""

from collections.abc import Iterator

import pytest

from examples.echo.echo_reference import expected_lines
from examples.local_endpoint import Endpoint, create_endpoint, delete_endpoint
from tests.e2e.conftest import IMAGES
from tests.e2e.harness import Stack

REQUESTS = 1000
SCALE = 3
MODEL_SECONDS = 2 / SCALE
DEADLINE = 15 * 60 // SCALE
INSTANCES, CONCURRENCY = 2, 8
"""Model servers, and how many requests each takes at a time."""

PIPELINE = f"""
invoke: {{endpoint: slow, timeout: 30s}}
chunk: {{max_records: 1}}
retry: {{initial_interval: 700ms, maximum_interval: 10s}}
deadline: {DEADLINE}s
"""
FAILURES = {"fault": "model_error", "endpoint": "slow", "status": 500, "probability": 0.1}


@pytest.fixture
def slow_model(stack: Stack) -> Iterator[Stack]:
    environment = {"ECHO_DELAY_MS": str(round(1000 * MODEL_SECONDS))}
    image = IMAGES / "echo" / "image"
    endpoint = Endpoint("slow", image, environment, INSTANCES, CONCURRENCY)
    create_endpoint(stack.document, endpoint)
    yield stack
    delete_endpoint(stack.document, "slow")


@pytest.mark.alone
def test_1_000_slow_requests_are_answered_in_order_before_their_job_expires(
    slow_model: Stack,
) -> None:
    records = [f"request {number}".encode() for number in range(REQUESTS)]
    slow_model.configure("slow", PIPELINE)

    with slow_model.faults(FAILURES):
        job_id = slow_model.drop("slow/requests.txt", b"\n".join(records))
        delivered = slow_model.wait("slow/requests.txt", job_id, patience=DEADLINE + 60)

    manifest = delivered.manifest
    assert manifest["status"] == "SUCCEEDED"
    assert delivered.lines == expected_lines(records)
    assert manifest["chunks"] == REQUESTS
    assert manifest["attempts"] == REQUESTS + manifest["retries"]
    assert manifest["retries"] > 0
    at_best = REQUESTS * MODEL_SECONDS / (INSTANCES * CONCURRENCY)
    assert at_best < manifest["timings"]["seconds"] < manifest["pipeline"]["deadline"]
