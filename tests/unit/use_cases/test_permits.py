"""Permits of chunks: taken and given back in lots, and found again where they were lost."""

import heapq
from collections import Counter
from typing import Any

import pytest

from penstock.domain.admission import Lane, tag_of
from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import RetryableError
from penstock.domain.pacing import Pace
from penstock.domain.trouble import HOP_BUDGET, InvocationError, Kind, Trouble
from penstock.ports import Change
from penstock.testing import FakeAdmissions, FakeClock, FakeJournal, FakeQueues
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.lanes import Lanes
from tests.unit.use_cases.traffic import job_of
from tests.unit.use_cases.world import SERVER_ERROR, Due, Failed, Killed, Request, World, model

KEY = "in/rows.txt"
ROWS = b"a\nb\nc\nd\ne\nf\n"
ONE_EACH = "invoke: {endpoint: demo}\nchunk: {max_records: 1}\n"
LANE = Lane("demo", 0, 1)


def world(pipeline: str = ONE_EACH, **options: Any) -> World:
    return World(pipeline=pipeline, region_bytes=1000, **options)


def split(made: World) -> str:
    """A dropped file whose chunks are about to be sent; the job's id."""
    job_id = made.drop(KEY, ROWS)
    run_up_to(made, "invoke")
    return job_id


def run_up_to(made: World, queue: str) -> None:
    """Until the next message is one of this queue."""
    while made._due[0].queue != queue:
        due = heapq.heappop(made._due)
        made.clock.time = max(made.clock.time, due.at)
        made.deliver(due)


def take_for_nobody(made: World, job_id: str, permits: int) -> None:
    """As a function that dies with permits in hand."""
    made.admissions.count(LANE, tag_of(job_id), Change(made.clock(), permits, permits))


def limits_set(made: World) -> list[float]:
    return [fields["limit"] for event, fields in made.journal.lines if event == "LimitSet"]


def whole(made: World) -> bool:
    return made.manifest(KEY)["records"] == {"total": 6, "succeeded": 6, "failed": 0}


# Taken and given back


def test_every_permit_is_given_back_and_the_job_forgotten() -> None:
    made = world(cap=2)

    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert made.admissions.read(LANE).shares == {}


def test_a_model_that_fails_gives_its_permits_back_too() -> None:
    made = world(cap=2, predict=lambda _body, _request: Failed(SERVER_ERROR))

    made.drop(KEY, ROWS)
    made.run()

    assert made.manifest(KEY)["records"]["failed"] == 6
    assert made.admissions.held("demo") == 0


def test_a_call_that_is_refused_halves_the_limit_and_keeps_no_permit() -> None:
    made = world(cap=8)
    refusals = iter([True] * 3)

    def behaviour(_request: Request) -> None:
        if next(refusals, False):
            raise InvocationError(Trouble(Kind.UNAVAILABLE, "ThrottlingException", "slow"))

    made.model.behaviour = behaviour
    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert made.manifest(KEY)["retries"] == 0
    assert limits_set(made)[0] == 4


def test_a_model_that_is_busy_halves_the_limit() -> None:
    busy = "ClientError: Received client error (429) from model. See the logs."
    answers = iter([Failed(busy)])
    made = world(cap=8, predict=lambda body, request: next(answers, None) or model(body, request))

    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert limits_set(made)[0] == 4


def test_no_more_chunks_are_in_flight_than_may_be() -> None:
    made = world(cap=2, delays=lambda queue: [30.0 if queue == "results" else 0.0])
    in_flight = Counter[str]()
    most: list[int] = []

    def note(due: Due) -> None:
        in_flight["now"] = len(made.model.accepted) - in_flight["answered"]
        most.append(in_flight["now"])
        in_flight["answered"] += due.queue == "results"

    made.before_delivery = note
    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert max(most) == 2


def test_a_notification_that_comes_twice_gives_one_permit_back() -> None:
    made = world(delays=lambda queue: [0.0, 9.0] if queue == "results" else [0.0])
    held: list[int] = []
    made.before_delivery = lambda _due: held.append(made.admissions.held("demo"))

    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert min(held) == 0


def test_chunks_that_are_turned_away_cost_no_attempt_and_one_message_each_time() -> None:
    made = world(cap=1, delays=lambda queue: [1.0 if queue == "results" else 0.0])

    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert made.manifest(KEY)["attempts"] == 6
    assert made.journal.count("ChunksTurnedAway") < 40


def test_another_attempt_does_not_wait_behind_the_other_chunks() -> None:
    made = world(cap=2, predict=fails_once)
    job_id = split(made)
    take_for_nobody(made, job_id, 2)

    sent = ChunkMessage(job_id, 0, 0, 0, 2, 1, 0, 6, attempt=2)
    made.send("invoke", sent.to_json())
    made.deliver(Due(made.clock(), 0, "invoke", sent.to_json()))

    assert [request.inference_id for request in made.model.requests] == [
        f"{job_id}:00000.0000:2:1:6"
    ]


def fails_once(body: bytes, request: Request) -> Any:
    first = request.inference_id.split(":")[2] == "1"
    return Failed(SERVER_ERROR) if first else model(body, request)


# Lost


def test_permits_that_were_lost_block_nothing_for_ever() -> None:
    """Not even without the sweep: who is silent for long is forgotten."""
    made = world(cap=3)
    job_id = split(made)
    take_for_nobody(made, job_id, 30)

    made.run()

    assert whole(made)
    assert made.clock() - 1_800_000_000 < 3 * 3600


def test_the_sweep_finds_permits_that_were_lost() -> None:
    made = world(cap=3)
    job_id = split(made)
    take_for_nobody(made, job_id, 30)
    made.clock.advance(60)

    made.sweep()

    assert whole(made)
    assert made.journal.count("PermitsRecovered") == 1
    assert made.clock() - 1_800_000_000 < 300


def test_the_sweep_leaves_the_permits_of_attempts_that_are_in_flight() -> None:
    made = world(cap=4, delays=lambda queue: [300.0 if queue == "results" else 0.0])
    made.drop(KEY, ROWS)
    run_up_to(made, "results")
    assert made.admissions.held("demo") == 4

    made.sweep_jobs()

    assert made.admissions.held("demo") == 4
    assert made.journal.count("PermitsRecovered") == 0


def test_permits_of_a_job_that_has_ended_leave_the_others_their_share() -> None:
    made = world(cap=3)
    take_for_nobody(made, "f" * 20, 500)

    made.drop(KEY, ROWS)
    made.run()

    assert whole(made)
    assert made.clock() - 1_800_000_000 < 3 * 3600


@pytest.mark.parametrize("call", ["count", "read"])
def test_a_function_that_dies_with_permits_in_hand_ends_its_job_all_the_same(call: str) -> None:
    deaths = iter([True] * 2)

    class Deadly:
        def __init__(self, port: Any) -> None:
            self.port = port

        def __getattr__(self, name: str) -> Any:
            def called(*args: Any) -> Any:
                answer = getattr(self.port, name)(*args)
                if name == call and next(deaths, False):
                    raise Killed
                return answer

            return called

    made = world(cap=1, wrap=lambda name, port: Deadly(port) if name == "admissions" else port)
    made.drop(KEY, ROWS)

    made.run()

    assert whole(made)


def test_what_cannot_be_given_back_is_logged_and_the_chunk_is_settled() -> None:
    class Failing(FakeAdmissions):
        def count(self, lane: Lane, tag: str, change: Change) -> Any:
            if change.held < 0:
                raise RetryableError("InternalServerError", "DynamoDB")
            return FakeAdmissions.count(self, lane, tag, change)

    failing = Failing()
    made = world(wrap=lambda name, port: failing if name == "admissions" else port)
    made.drop(KEY, ROWS)

    made.run()

    assert whole(made)
    assert made.journal.count("PermitsLost") == 6


def test_a_chunk_that_asks_too_often_is_given_up() -> None:
    made = world(cap=1)
    job_id = split(made)
    take_for_nobody(made, job_id, 5)
    tired = ChunkMessage(job_id, 0, 0, 0, 2, 1, 0, 6, hops=HOP_BUDGET)

    made.deliver(Due(made.clock(), 0, "invoke", tired.to_json()))

    state = made.table.get_chunk(job_id, tired.path)
    assert state is not None and state.outcome is not None
    assert state.outcome.code == "EndpointBusy"


def test_who_has_no_permit_at_the_deadline_expires() -> None:
    made = world(ONE_EACH + "deadline: 90s\n", cap=1)
    job_id = split(made)
    take_for_nobody(made, job_id, 5)

    made.run()

    assert made.job(job_id).status == "EXPIRED"
    assert made.clock() - 1_800_000_000 < 100


# What it costs


class Counting(FakeAdmissions):
    """Counts its calls by name."""

    def __init__(self) -> None:
        FakeAdmissions.__init__(self)
        self.calls: Counter[str] = Counter()

    def read(self, lane: Lane) -> Any:
        self.calls["read"] += 1
        return FakeAdmissions.read(self, lane)

    def count(self, lane: Lane, tag: str, change: Change) -> Any:
        self.calls["count"] += 1
        return FakeAdmissions.count(self, lane, tag, change)


def entrance_of(admissions: FakeAdmissions, cap: int = 200) -> Entrance:
    clock, journal = FakeClock(), FakeJournal()
    lanes = Lanes(admissions, journal, clock, cap)
    return Entrance(lanes, FakeQueues(), journal, clock, lambda _low, high: high)


def chunks(count: int) -> list[ChunkMessage]:
    return [
        ChunkMessage("job" + "_" * 17, 0, number, 0, 1, 1, number, 256) for number in range(count)
    ]


def test_a_batch_takes_its_permits_in_one_lot() -> None:
    admissions, job = Counting(), job_of("job", 10, 0)
    entrance = entrance_of(admissions)
    batch = chunks(10)

    with entrance.batch([chunk.to_json() for chunk in batch]):
        for chunk in batch:
            with entrance.permit(job, chunk) as permit:
                assert permit is not None
                permit.keep()

    assert admissions.calls == {"read": 1, "count": 1}
    assert admissions.held("demo") == 10


def test_once_a_chunk_is_refused_the_others_of_its_batch_are_not_sent() -> None:
    admissions, job = Counting(), job_of("job", 10, 0)
    entrance = entrance_of(admissions)
    first, second = chunks(2)

    with entrance.batch([first.to_json(), second.to_json()]):
        with entrance.permit(job, first):
            entrance.refused(job, first)
        with entrance.permit(job, second) as permit:
            assert permit is None

    assert admissions.held("demo") == 0


def test_in_a_storm_only_another_attempt_gets_a_permit() -> None:
    admissions, job = Counting(), job_of("job", 10, 0)
    now = FakeClock()()
    admissions.put_pace(LANE, Pace(2.0, 1, now, refused_at=now, good=80.0))
    entrance = entrance_of(admissions)
    first, second = chunks(2)

    with entrance.batch([first.to_json(), second.to_json()]):
        with entrance.permit(job, first) as permit:
            assert permit is None
        with entrance.permit(job, second.next_attempt()) as permit:
            assert permit is not None


def test_chunks_that_are_taken_after_a_storm_bring_the_limit_back() -> None:
    admissions, job = Counting(), job_of("job", 10, 0)
    before = FakeClock()() - 3
    admissions.put_pace(LANE, Pace(2.0, 1, before, refused_at=before, good=80.0))
    entrance = entrance_of(admissions)
    (chunk,) = chunks(1)

    with entrance.batch([chunk.to_json()]), entrance.permit(job, chunk) as permit:
        assert permit is not None
        permit.keep()

    pace = admissions.read(LANE).pace
    assert pace is not None
    assert pace.limit == 4


def test_permits_that_a_batch_did_not_use_are_given_back_in_one_lot() -> None:
    admissions, job = Counting(), job_of("job", 10, 0)
    entrance = entrance_of(admissions)
    batch = chunks(10)

    with entrance.batch([chunk.to_json() for chunk in batch]):
        for chunk in batch[:7]:
            with entrance.permit(job, chunk) as permit:
                assert permit is not None
                if chunk.chunk % 2:
                    permit.keep()

    assert admissions.calls["count"] == 2
    assert admissions.held("demo") == 3


def test_results_give_their_permits_back_in_one_lot() -> None:
    admissions, job, clock = Counting(), job_of("job", 10, 0), FakeClock()
    exit_ = Exit(Lanes(admissions, FakeJournal(), clock, 200), FakeJournal(), clock)
    admissions.count(LANE, tag_of(job.job_id), Change(clock(), 10, 10))
    admissions.calls.clear()

    with exit_.batch():
        for chunk in chunks(9):
            exit_.give_back(job, chunk.path, clock() - 1)

    assert admissions.calls == {"read": 1, "count": 1}
    assert admissions.held("demo") == 1


def test_messages_that_are_no_chunks_are_left_to_whoever_handles_them() -> None:
    entrance = entrance_of(FakeAdmissions())

    with entrance.batch([{"kind": "nonsense"}, None, *[each.to_json() for each in chunks(1)]]):
        pass
