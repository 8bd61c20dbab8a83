"""A job that is cancelled sends nothing more, and delivers what was predicted, in order."""

import csv
import io
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from penstock.domain.errors import PenstockError
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job, JobStatus, Stop
from penstock.use_cases.cancel_job import CancelJob
from penstock.use_cases.entrance import Entrance
from tests.unit.use_cases.interruptions import Interruption, Manner
from tests.unit.use_cases.scenarios import SCENARIOS, Scenario
from tests.unit.use_cases.test_disorder import QUICK
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    PATIENCE,
    SERVER_ERROR,
    Due,
    Failed,
    Killed,
    Predict,
    Request,
    Response,
    World,
    model,
    predict,
)

KEY = "in/rows.txt"
ROWS = [f"r{number}" for number in range(24)]
BODY = "".join(f"{row}\n" for row in ROWS).encode()
PIPELINE = "invoke: {endpoint: demo}\nchunk: {max_records: 4}\nretry: {maximum_attempts: 2}\n"


def cancel(world: World, job_id: str) -> bool:
    """What `penstock cancel` does: notes it, and has the sweep run at once."""
    taken = CancelJob(world.table, world.clock)(job_id, "ann").taken
    world.handlers["sweep"] = lambda _document: world.sweep_jobs()
    world.send("sweep", {})
    return taken


@pytest.mark.parametrize("mode", ["async", "realtime"])
def test_a_chunk_whose_job_is_cancelled_while_it_waits_for_its_permit_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    world = World(pipeline=PIPELINE.replace("{endpoint", f"{{mode: {mode}, endpoint"))
    permit = Entrance.permit

    def wait(entrance: Entrance, job: Job, *args: Any, **inherits: Any) -> Any:
        cancel(world, job.job_id)
        return permit(entrance, job, *args, **inherits)

    monkeypatch.setattr(Entrance, "permit", wait)
    world.drop(KEY, BODY)

    world.run()

    assert world.model.requests == []
    assert world.manifest(KEY)["status"] == "CANCELLED"
    assert world.manifest(KEY)["attempts"] == 0


def cancelled_before(world: World, job_id: str, delivery: int) -> World:
    """Runs the world; the job is cancelled before the given delivery, if it gets that far."""
    numbers = itertools.count()
    before = world.before_delivery

    def watch(due: Due) -> None:
        before(due)
        if next(numbers) == delivery and job_id in world.table.jobs:
            cancel(world, job_id)

    world.before_delivery = watch
    return world.run()


def waiting(predict: Predict = model, **options: Any) -> tuple[World, str]:
    """A world in which the third answer, and all after it, come in an hour."""
    answers = itertools.count()
    world = World(
        predict,
        pipeline=options.pop("pipeline", PIPELINE),
        region_bytes=options.pop("region_bytes", 10**6),
        delays=lambda queue: [3600.0 if queue == "results" and next(answers) >= 2 else 0.0],
        **options,
    )
    return world, world.drop(KEY, BODY)


def run_for(world: World, seconds: float) -> None:
    end = world.clock() + seconds
    while world._due and min(world._due).at <= end:
        due = min(world._due)
        world._due.remove(due)
        world.clock.time = max(world.clock.time, due.at)
        world.deliver(due)


def rows_of(world: World, key: str) -> list[list[str]]:
    """Lines of the output; rows, where a line may hold a quoted newline."""
    if key.endswith(".csv"):
        return list(
            csv.reader(io.StringIO(world.output(key).decode("utf-8", "replace"), newline=""))
        )
    return [[line] for line in world.lines(key)]


def is_cancelled(row: list[str], number: int) -> bool:
    text = row[-1]
    return '"error":"Cancelled"' in text and f'"record":{number}' in text


def assert_delivered_in_order(world: World, key: str, expected: list[list[str]]) -> None:
    """Each line is the one of an undisturbed run, or tells that its record was cancelled."""
    found = rows_of(world, key)
    assert len(found) == len(expected)
    strange = [
        (number, row)
        for number, (row, whole) in enumerate(zip(found, expected, strict=True))
        if row != whole and not is_cancelled(row, number)
    ]
    assert strange == []


def assert_cancelled(world: World, key: str = KEY) -> dict[str, Any]:
    manifest = world.manifest(key)
    assert manifest["status"] == "CANCELLED"
    assert manifest["failure"]["code"] == "Cancelled"
    assert manifest["failure"]["message"].startswith("cancelled by ann at 2027-01-15T08:")
    records = manifest["records"]
    assert records["total"] == records["succeeded"] + records["failed"]
    ((summary, successful),) = {
        json.dumps(each): good for each, good in world.announcer.jobs
    }.items()
    assert (json.loads(summary)["status"], successful) == ("CANCELLED", False)
    assert world.dead_letters == []
    return manifest


def test_a_running_job_delivers_what_was_predicted_and_error_lines_for_the_rest() -> None:
    world, job_id = waiting()
    run_for(world, 60)

    cancel(world, job_id)
    run_for(world, 60)

    manifest = assert_cancelled(world)
    assert manifest["records"] == {"total": 24, "succeeded": 8, "failed": 16}
    assert world.lines(KEY)[:8] == [predict(row) for row in ROWS[:8]]
    assert_delivered_in_order(world, KEY, [[predict(row)] for row in ROWS])
    assert {error["error"] for error in world.errors(KEY)} == {"Cancelled"}


def test_the_manifest_says_what_was_spent() -> None:
    world, job_id = waiting()
    run_for(world, 60)

    cancel(world, job_id)
    run_for(world, 60)

    manifest = assert_cancelled(world)
    assert manifest["attempts"] == len(world.model.requests) == 6
    assert manifest["cost_estimate"]["usd"] > 0


def test_answers_that_come_after_their_error_lines_change_nothing() -> None:
    world, job_id = waiting()
    run_for(world, 60)
    cancel(world, job_id)
    run_for(world, 60)
    before = world.objects.history.copy()

    world.run()

    assert world.objects.history.keys() - before.keys() == set()
    assert world.manifest(KEY)["records"]["succeeded"] == 8


def test_an_answer_that_comes_before_its_error_line_counts() -> None:
    world, job_id = waiting()
    run_for(world, 60)
    CancelJob(world.table, world.clock)(job_id, "ann")

    world.run()

    assert world.manifest(KEY)["status"] == "SUCCEEDED"
    assert world.lines(KEY) == [predict(row) for row in ROWS]


def test_nothing_goes_to_the_model_once_a_job_is_cancelled() -> None:
    seconds = itertools.count()
    world = World(
        pipeline=PIPELINE,
        region_bytes=10**6,
        delays=lambda queue: [10.0 * next(seconds) if queue == "invoke" else 0.0],
    )
    job_id = world.drop(KEY, BODY)
    run_for(world, 25)
    sent = len(world.model.requests)

    cancel(world, job_id)
    world.run()

    assert 0 < sent < 6
    assert len(world.model.requests) == sent
    assert assert_cancelled(world)["attempts"] == sent


@pytest.mark.parametrize("region_bytes", [10**6, 11], ids=["one region", "many regions"])
def test_a_job_that_is_not_split_ends_with_a_manifest_and_no_output(region_bytes: int) -> None:
    world = World(pipeline=PIPELINE, region_bytes=region_bytes)
    job_id = world.drop(KEY, BODY)

    cancelled_before(world, job_id, delivery=1)

    manifest = assert_cancelled(world)
    assert manifest["records"]["total"] == 0
    assert manifest["outputs"] == {}
    assert world.objects.keys("output") == [f"{KEY}.manifest.json"]
    assert world.model.requests == []


def test_a_job_of_which_some_regions_are_scanned_ends_without_output() -> None:
    world = World(pipeline=PIPELINE, region_bytes=11)
    job_id = world.drop(KEY, BODY)

    cancelled_before(world, job_id, delivery=4)

    assert world.table.regions
    assert assert_cancelled(world)["outputs"] == {}
    assert world.model.requests == []


def test_chunks_that_are_held_are_dropped() -> None:
    """The model refuses everything: one chunk is looked at, the others wait for it."""
    world = World(
        lambda _body, _request: Failed(CLIENT_ERROR),
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 200}\n",
        region_bytes=10**6,
        delays=lambda queue: [20.0 if queue == "results" else 0.0],
    )
    job_id = world.drop(KEY, b"".join(b"%d\n" % number for number in range(1000)))
    run_for(world, 50)
    assert world.journal.count("ChunkHeld") > 0
    sent = len(world.model.requests)

    cancel(world, job_id)
    run_for(world, 20)

    assert assert_cancelled(world)["records"] == {"total": 1000, "succeeded": 0, "failed": 1000}
    assert len(world.model.requests) == sent


def test_halves_of_a_bisected_chunk_are_dropped_and_counted() -> None:
    world, job_id = waiting(refusing_the_seventh)
    run_for(world, 60)
    assert [path for _, path in world.table.chunks if path.bits]

    cancel(world, job_id)
    run_for(world, 60)

    manifest = assert_cancelled(world)
    assert manifest["attempts"] == len(world.model.requests)
    assert_delivered_in_order(world, KEY, [[predict(row)] for row in ROWS])


def refusing_the_seventh(body: bytes, request: Request) -> Response:
    return Failed(CLIENT_ERROR) if b"r6\n" in body else model(body, request)


def test_a_chunk_that_failed_is_not_tried_again() -> None:
    world, job_id = waiting(lambda _body, _request: Failed(SERVER_ERROR))
    run_for(world, 1)
    cancel(world, job_id)
    sent = len(world.model.requests)

    world.run()

    assert len(world.model.requests) == sent
    assert assert_cancelled(world)["records"]["failed"] == 24


def test_a_job_is_cancelled_once() -> None:
    world, job_id = waiting()
    run_for(world, 60)
    first = world.clock()

    assert cancel(world, job_id)
    world.clock.advance(5)
    assert not cancel(world, job_id)
    stop = world.job(job_id).stop
    world.run()

    assert stop is not None
    assert (stop.status, stop.at) == (JobStatus.CANCELLED, first)
    assert_cancelled(world)


def test_a_job_that_ended_stays_as_it_ended() -> None:
    world = World(pipeline=PIPELINE)
    job_id = world.drop(KEY, BODY)
    world.run()

    cancellation = CancelJob(world.table, world.clock)(job_id)

    assert not cancellation.taken
    assert cancellation.job == world.job(job_id)
    assert world.job(job_id).status is JobStatus.SUCCEEDED
    assert world.job(job_id).stop is None


def test_a_job_that_nobody_knows_cannot_be_cancelled() -> None:
    world = World()

    cancellation = CancelJob(world.table, world.clock)("0" * 20)

    assert (cancellation.taken, cancellation.job) == (False, None)


def undisturbed(scenario: Scenario) -> World:
    return scenario.dropped().run()


@pytest.mark.parametrize("twice", [False, True], ids=["once", "every message twice"])
@pytest.mark.parametrize("name", QUICK)
def test_a_job_may_be_cancelled_before_any_delivery(name: str, twice: bool) -> None:
    scenario = QUICK[name]
    whole = undisturbed(scenario)
    status, deliveries = whole.job_of(scenario.key).status, deliveries_of(scenario)
    delays: Callable[[str], list[float]] = lambda _queue: [0.0, 1.0] if twice else [0.0]  # noqa: E731

    for delivery in range(1, deliveries):
        world = scenario.world(delays=delays)
        job_id = world.drop(scenario.key, scenario.body)
        counted = requests_at_stop(world)
        cancelled_before(world, job_id, delivery)
        job = world.job(job_id)

        assert job.status in {status, JobStatus.CANCELLED}, delivery
        assert len(world.model.requests) == counted(), delivery
        assert world.dead_letters == [], delivery
        key = scenario.output_key
        manifest = world.manifest(key)
        if manifest["outputs"] and (scenario.redriven is None or "redrives" in manifest):
            assert_delivered_in_order(world, key, rows_of(whole, key))


def deliveries_of(scenario: Scenario) -> int:
    world = scenario.dropped()
    count = itertools.count()
    world.before_delivery = lambda _due: [next(count)].clear()
    world.run()
    return next(count)


def requests_at_stop(world: World) -> Callable[[], int]:
    """How many requests the model had had when the job was stopped; all, if it never was."""
    counted: list[int] = []
    stop_job = world.table.stop_job

    def counting(job_id: str, stop: Stop) -> bool:
        taken = stop_job(job_id, stop)
        if taken and stop.status is JobStatus.CANCELLED:
            counted.append(len(world.model.requests))
        return taken

    world.table.stop_job = counting  # type: ignore[method-assign]
    return lambda: counted[0] if counted else len(world.model.requests)


CRASHED = {
    "csv in many regions": SCENARIOS["csv in many regions"],
    "csv in one region": SCENARIOS["csv in one region"],
    "a bisected chunk": Scenario(KEY, BODY, PIPELINE, 10**6, refusing_the_seventh),
}


@pytest.mark.parametrize("manner", ["killed", "failed"])
@pytest.mark.parametrize("share", [0.3, 0.6])
@pytest.mark.parametrize("name", CRASHED)
def test_a_cancelled_job_ends_wherever_a_function_is_interrupted(
    name: str, share: float, manner: Manner
) -> None:
    scenario = CRASHED[name]
    whole = undisturbed(scenario)
    delivery = round(share * deliveries_of(scenario))
    borders = interrupted(scenario, delivery, Interruption()).borders

    for at in range(0, len(borders), 5):
        interruption = Interruption(at, manner)
        world = interrupted(scenario, delivery, interruption).world
        job = world.job_of(scenario.key)

        assert job.status in {whole.job_of(scenario.key).status, JobStatus.CANCELLED}, borders[at]
        assert_delivered_in_order(world, scenario.key, rows_of(whole, scenario.key))
        assert world.dead_letters == [], borders[at]


class interrupted:  # noqa: N801  reads as a sentence
    """A run that is cancelled and interrupted, with sweeps until it has ended."""

    def __init__(self, scenario: Scenario, delivery: int, interruption: Interruption) -> None:
        self.world = scenario.world(wrap=interruption.wrap)
        self.world.before_delivery = interruption.revive
        job_id = self.world.drop(scenario.key, scenario.body)
        cancelled_before(self.world, job_id, delivery)
        while not self.world.job(job_id).status.terminal:
            self.world.clock.advance(PATIENCE)
            interruption.revive()
            with suppress(Killed, PenstockError):
                self.world.sweep_jobs()
            self.world._carry_on()
            self.world.run()
        self.borders = interruption.borders


def test_a_stop_that_is_noted_while_the_sweep_looks_at_the_job_is_not_put_off() -> None:
    world, job_id = waiting()
    run_for(world, 60)
    stop = Stop(JobStatus.CANCELLED, "Cancelled", "cancelled by ann at 2027-01-15T08:01", 1.0)
    put_off = world.table.put_off_sweep

    def stopped_right_before(*args: Any) -> None:
        world.table.stop_job(job_id, stop)
        put_off(*args)

    world.table.put_off_sweep = stopped_right_before  # type: ignore[assignment,method-assign]
    world.table.sweeps[job_id] = 0.0
    world.sweep_jobs()
    world._carry_on()
    run_for(world, 60)

    assert_cancelled(world)


def test_all_segments_of_a_cancelled_job_are_gone_through_wherever_the_sweep_stood() -> None:
    world, job_id = waiting(region_bytes=11)
    run_for(world, 60)
    world.table.put_off_sweep(job_id, world.clock(), 3)

    cancel(world, job_id)
    run_for(world, 60)

    assert_cancelled(world)


def test_a_job_that_is_stopped_while_a_long_sweep_ends_is_due_at_once() -> None:
    world, job_id = waiting(region_bytes=11)
    run_for(world, 60)
    world.table.put_off_sweep(job_id, world.clock(), 3)
    get_segment = world.table.get_segment

    def stopped_meanwhile(*args: Any) -> Any:
        CancelJob(world.table, world.clock)(job_id, "ann")
        return get_segment(*args)

    world.table.get_segment = stopped_meanwhile  # type: ignore[assignment,method-assign]
    world.sweep_jobs()
    world.table.get_segment = get_segment  # type: ignore[method-assign]
    world.clock.advance(60)

    world.sweep_jobs()
    world._carry_on()
    run_for(world, 60)

    assert_cancelled(world)
    assert ChunkPath(0, 0) in {path for _, path in world.table.chunks}
