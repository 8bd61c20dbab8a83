"""A small job beside a large one, an endpoint that is kept busy, and one that refuses calls."""

import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pytest

from tests.unit.use_cases.traffic import Endpoint, Traffic

Seconds = Callable[[random.Random], float]

INFERENCES: dict[str, Seconds] = {
    "equal": lambda _chance: 1.0,
    "long": lambda _chance: 30.0,
    "of all lengths": lambda chance: chance.expovariate(1.0),
}


STEPS = 1.0
"""Seconds that the steps before and after the invocation take, whatever the endpoint does."""


def average_in_flight(traffic: Traffic, since: float) -> float:
    seen = [(at, number) for at, number in traffic.in_flight_then if at >= since]
    held = sum(number * (after - at) for (at, number), (after, _) in pairwise(seen))
    return held / (seen[-1][0] - seen[0][0])


@pytest.mark.parametrize(("name", "workers"), [("equal", 1), ("equal", 8), ("long", 8)])
def test_a_small_job_takes_a_few_times_as_long_beside_a_large_one(name: str, workers: int) -> None:
    idle = STEPS + Traffic(Endpoint(workers, INFERENCES[name])).drop_and_run("alone", 1)
    traffic = Traffic(Endpoint(workers, INFERENCES[name]))
    traffic.drop("large", 1000)
    lasts = 1000 * INFERENCES[name](random.Random()) / workers
    for number in range(8):
        traffic.drop(f"{number}", 1, at=lasts * (0.3 + 0.08 * number))

    traffic.run()

    small = sorted(STEPS + traffic.done[str(number)] for number in range(8))
    assert small[4] < 4 * idle
    assert small[-1] < 7 * idle


def test_without_permits_a_small_job_waits_for_the_large_one() -> None:
    traffic = Traffic(Endpoint(4), permits=False)
    traffic.drop("large", 1000)
    traffic.drop("small", 1, at=60)

    traffic.run()

    assert traffic.done["small"] > 150


@pytest.mark.parametrize(
    ("name", "workers"),
    [("equal", 1), ("equal", 16), ("long", 4), ("of all lengths", 8)],
)
def test_permits_cost_hardly_any_throughput(name: str, workers: int) -> None:
    chunks = 150 * workers

    without = Traffic(Endpoint(workers, INFERENCES[name]), permits=False)
    with_permits = Traffic(Endpoint(workers, INFERENCES[name]))

    lost = with_permits.drop_and_run("large", chunks) / without.drop_and_run("large", chunks) - 1
    assert lost < 0.1  # what the search for the limit costs a job of minutes is in it


def test_once_the_limit_is_known_permits_cost_less_still() -> None:
    known, without = Traffic(Endpoint(8)), Traffic(Endpoint(8), permits=False)
    known.drop_and_run("before", 400)

    lost = known.drop_and_run("large", 1500) / without.drop_and_run("large", 1500) - 1

    assert lost < 0.04


def test_two_large_jobs_share_the_endpoint() -> None:
    traffic = Traffic(Endpoint(4))
    traffic.drop("first", 600)
    traffic.drop("second", 200, at=40)

    traffic.run()

    # Half of four workers for 200 chunks of a second are 100 seconds.
    assert 85 < traffic.done["second"] < 135
    assert 200 < traffic.done["first"] < 230


def test_an_endpoint_that_refuses_calls_is_used_near_its_capacity() -> None:
    traffic = Traffic(Endpoint(1000, capacity=30))

    seconds = traffic.drop_and_run("large", 1500)

    assert 0.7 * 30 < average_in_flight(traffic, since=20) < 30
    assert traffic.endpoint.refusals < 0.02 * 1500
    assert seconds < 1.5 * 1500 * 1.2 / 30


@pytest.mark.parametrize(("capacity", "seconds"), [(5, 1.0), (10, 1.0), (30, 1.0), (30, 0.1)])
def test_once_its_capacity_is_known_hardly_any_call_is_refused(
    capacity: int, seconds: float
) -> None:
    traffic = Traffic(Endpoint(1000, lambda _chance: seconds, capacity))
    chunks = round(100 * capacity * (seconds + 0.2))
    traffic.drop("before", chunks)
    traffic.run()
    refused, knows = traffic.endpoint.refusals, traffic.clock() - traffic.began

    traffic.drop_and_run("large", chunks)

    assert traffic.endpoint.refusals - refused < 0.05 * chunks
    # The way back takes time, the messages do, and the last chunks are few.
    assert average_in_flight(traffic, since=knows) > 0.55 * capacity


@pytest.mark.parametrize("lasts", [5, 60])
@pytest.mark.parametrize("workers", [8, 50])
def test_a_storm_of_refusals_costs_little_more_than_the_time_that_it_lasts(
    workers: int, lasts: int
) -> None:
    stormy = Traffic(Endpoint(workers))
    stormy.drop_and_run("before", 50 * workers)
    begins = stormy.clock() - stormy.began + 10
    stormy.endpoint.storm = (begins, begins + lasts)
    calm = without_a_storm(workers)

    lost = stormy.drop_and_run("large", 100 * workers) - calm.seconds

    assert lost < 1.2 * lasts + 10
    assert stormy.visits < 1.75 * calm.visits


class Calm(NamedTuple):
    seconds: float
    visits: int


@cache
def without_a_storm(workers: int) -> Calm:
    """What storms of any length are measured by; the same each time."""
    traffic = Traffic(Endpoint(workers))
    traffic.drop_and_run("before", 50 * workers)
    seconds = traffic.drop_and_run("large", 100 * workers)
    return Calm(seconds, traffic.visits)


def test_an_endpoint_that_gets_more_instances_is_given_more() -> None:
    endpoint = Endpoint(4)
    traffic = Traffic(endpoint)
    traffic.drop("large", 2000)
    traffic.run(until=100)
    before = traffic.limit

    endpoint.workers = 16
    traffic.run()

    assert before is not None and traffic.limit is not None
    assert before < 20
    assert traffic.limit > 35
    # Chunks that sleep find out when they wake up: at four times the speed there are enough awake.
    assert traffic.done["large"] < 100 + 2.2 * 1600 / 16


def test_the_chunks_of_a_large_job_do_not_go_round_all_the_time() -> None:
    traffic = Traffic(Endpoint(8))

    traffic.drop_and_run("large", 2000)

    assert traffic.visits < 9 * 2000


def test_no_more_than_twice_the_limit_is_in_flight_whoever_comes() -> None:
    traffic = Traffic(Endpoint(4), cap=12)
    for number in range(20):
        traffic.drop(f"job{number}", 30, at=3 * number)

    traffic.run()

    assert traffic.endpoint.most <= 24
    assert len(traffic.done) == 20


def test_an_endpoint_of_many_lanes_is_kept_busy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.domain.admission.PERMITS_PER_LANE", 40)  # five lanes
    traffic = Traffic(Endpoint(16))

    # Lanes of ten permits are never quite full together; real ones have hundreds.
    assert traffic.drop_and_run("large", 1600) < 1.3 * 1600 / 16
    assert traffic.endpoint.most <= 2 * 200
