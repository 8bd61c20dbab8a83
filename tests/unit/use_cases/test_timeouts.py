"""Every wait has an end: of an invocation, of an attempt, of a chunk, of a job."""

import itertools

import pytest

from penstock.domain.invoke import Invoke
from tests.unit.use_cases.world import PATIENCE, Failed, Request, Response, World, model

PER_RECORD = (
    "invoke: {endpoint: demo, timeout_per_record: 2s, queue_timeout: 5m}\n"
    "chunk: {max_records: 100}\n"
)


@pytest.mark.parametrize(
    ("per_record", "records", "seconds"),
    [(None, 1000, 900), (2, 100, 200), (0.25, 3, 1), (0.001, 1, 1), (60, 10_000, 3600)],
)
def test_an_invocation_has_the_time_that_its_records_need(
    per_record: float | None, records: int, seconds: int
) -> None:
    assert Invoke("demo", timeout_per_record=per_record).timeout_for(records) == seconds


def test_each_request_is_given_the_time_of_its_own_records() -> None:
    world = World(pipeline=PER_RECORD, region_bytes=10_000)
    world.drop("rows.txt", b"row\n" * 130)

    world.run()

    assert [request.timeout for request in world.model.requests] == [200, 60]


def test_nothing_waits_in_sagemakers_queue_longer_than_the_job_has_left() -> None:
    world = World(pipeline="invoke: {endpoint: demo}\ndeadline: 10m\n")
    world.drop("first.txt", b"1\n")
    world.run()
    world.delays = lambda queue: [590.0 if queue == "invoke" else 0.0]
    world.drop("second.txt", b"1\n")

    world.run()

    assert [each.queue_timeout for each, _ in world.model.accepted] == [600, 60]


def test_the_sweep_waits_as_long_as_the_records_of_the_chunk_may_take() -> None:
    answers = itertools.count()

    def silent_at_first(body: bytes, request: Request) -> Response:
        return Failed("lost") if next(answers) == 0 else model(body, request)

    world = World(silent_at_first, pipeline=PER_RECORD, region_bytes=10_000)
    world.before_delivery = lambda due: _lose(due.document)
    world.drop("rows.txt", b"row\n" * 100)
    world.run()

    world.sweep_until(300 + 200 + PATIENCE - 120)
    assert len(world.model.requests) == 1

    world.sweep_until(2 * PATIENCE)
    assert len(world.model.requests) == 2
    assert world.manifest("rows.txt")["status"] == "SUCCEEDED"


def _lose(document: dict) -> None:
    """The first failure is never heard of: its notification becomes somebody else's."""
    if document.get("failureReason") == "lost":
        document["inferenceId"] = "somebody-elses"


def test_a_thousand_requests_of_two_seconds_are_answered_in_order_within_fifteen_minutes() -> None:
    """Some fail at first and are tried again. The endpoint works on four requests at a time."""
    workers = [0.0] * 4
    flaky = {number for number in range(1000) if number % 9 == 0}
    tried: set[str] = set()

    def busy_for_two_seconds(body: bytes, request: Request) -> Response:
        name = request.inference_id.rsplit(":", 3)[0]
        first = name not in tried
        tried.add(name)
        fails = first and int(body.split()[1]) in flaky
        return (
            Failed("ClientError: Received server error (503) from model.")
            if fails
            else model(body, request)
        )

    world = World(
        busy_for_two_seconds,
        pipeline="invoke: {endpoint: demo, timeout: 1m}\nchunk: {max_records: 1}\ndeadline: 15m\n",
        region_bytes=10**6,
        delays=lambda queue: [_wait_for(workers, world.clock()) if queue == "results" else 0.0],
    )
    records = [f"request {number}" for number in range(1000)]
    world.drop("rows.txt", "\n".join(records).encode())
    began = world.clock()

    world.run()

    manifest = world.manifest("rows.txt")
    assert manifest["status"] == "SUCCEEDED"
    assert manifest["retries"] == len(flaky)
    assert (
        world.lines("rows.txt")
        == model("\n".join(records).encode(), world.model.requests[0]).decode().splitlines()
    )
    assert 2 * 1000 / 4 <= world.clock() - began <= 15 * 60


def _wait_for(workers: list[float], now: float) -> float:
    """Seconds until the next free worker has spent two on a request that came now."""
    free = workers.index(min(workers))
    workers[free] = max(workers[free], now) + 2
    return workers[free] - now
