from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.job import Job, JobStatus
from penstock_cli.aws import Connection
from penstock_cli.follow import Clock, follow, interval
from penstock_cli.progress import Progress
from tests.unit.cli.world import START, World, finished, job_of, running


def watch(
    world: World, job_id: str, connection: Connection | None = None
) -> tuple[Job, list[Progress]]:
    seen: list[Progress] = []
    clock = Clock(world.time.now, world.time.sleep)
    return follow(connection or world.connection, job_id, seen.append, clock), seen


def test_a_job_is_followed_from_its_upload_to_its_end(world):
    job = job_of()
    going = running(job, records=100, chunks=4)
    world.time.plan = [
        (1, lambda: world.put(job)),
        (3, lambda: world.put(going)),
        (6, lambda: world.mark(job.job_id, "chunks.00000", 0, 1)),
        (9, lambda: world.put(finished(going))),
    ]

    end, seen = watch(world, job.job_id)

    assert end == finished(going)
    assert list(dict.fromkeys((each.status, each.records_done) for each in seen)) == [
        (None, 0),
        (JobStatus.SPLITTING, 0),
        (JobStatus.RUNNING, 0),
        (JobStatus.RUNNING, 50),
        (JobStatus.SUCCEEDED, 100),
    ]


def test_an_upload_that_never_becomes_a_job_is_given_up_with_a_hint(world):
    with pytest.raises(PermanentError, match=r"10 minutes; look at `penstock dlq upload`"):
        watch(world, "0" * 20)

    assert 600 <= world.time.now() - START < 603


def test_a_job_may_take_longer_than_its_acceptance(world):
    job = job_of()
    world.put(job)
    world.time.plan = [(700, lambda: world.put(finished(running(job, 1, 1))))]

    end, _ = watch(world, job.job_id)

    assert end.status is JobStatus.SUCCEEDED


class Flaky:
    """DynamoDB that cannot be reached for a while."""

    def __init__(self, world: World, until: float) -> None:
        self.world, self.until = world, until

    def get_item(self, **request: Any) -> Any:
        if self.world.time.now() - START < self.until:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return self.world.dynamodb.get_item(**request)


def test_a_short_break_of_the_network_is_sat_out(world):
    job = world.put(finished(running(job_of(), 1, 1)))
    connection = replace(world.connection, dynamodb=Flaky(world, until=50))

    end, _ = watch(world, job.job_id, connection)

    assert end == job


def test_a_long_break_of_the_network_ends_the_wait(world):
    connection = replace(world.connection, dynamodb=Flaky(world, until=10_000))

    with pytest.raises(RetryableError, match="dynamodb"):
        watch(world, "0" * 20, connection)

    assert 60 <= world.time.now() - START < 65


def test_looks_get_rarer_as_the_job_gets_longer():
    assert [interval(elapsed) for elapsed in (0, 10, 59, 60, 7_200)] == [0.3, 1.0, 1.0, 2.0, 2.0]
