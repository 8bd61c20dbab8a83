"""A permit serves the chunks of a batch one after the other, as long as one waits for it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition, Event
from typing import Any

import pytest

from penstock.domain.admission import tag_of
from penstock.domain.chunk import ChunkMessage
from penstock.testing import FakeAdmissions, FakeClock, FakeJournal
from penstock.use_cases import permits
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.lanes import Lanes
from penstock.use_cases.permits import Permit
from tests.unit.use_cases.test_permits import LANE, Counting, chunks, entrance_of
from tests.unit.use_cases.traffic import job_of

LONG = 30.0
"""Seconds after which a test that hangs fails."""


class Watched(Condition):
    """Tells when so many threads wait for a permit, and counts who has waited."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.all_wait = Event()
        self.waits, self._expected = 0, expected

    def wait_for(self, *args: Any) -> Any:
        self.waits += 1
        if self.waits == self._expected:
            self.all_wait.set()
        return super().wait_for(*args)


class Endpoint:
    """Takes calls side by side, and none before all chunks without a permit wait for one."""

    def __init__(self, entrance: Entrance, exit_: Exit, watched: Watched) -> None:
        self.entrance, self.exit, self.watched = entrance, exit_, watched
        self.job = job_of("job", 10, 0)
        self.running, self.highest = 0, 0
        self.ends: Counter[str] = Counter()

    def call(self, chunk: ChunkMessage) -> None:
        with self.entrance.permit(self.job, chunk) as permit:
            if permit is None:
                self.ends["turned away"] += 1
                return
            with self.watched:
                self.running += 1
                self.highest = max(self.running, self.highest)
            assert self.watched.all_wait.wait(LONG)
            with self.watched:
                self.running -= 1
            self.end(chunk, permit)

    def end(self, chunk: ChunkMessage, permit: Permit) -> None:
        self.exit.give_back(self.job, chunk.path, 1.0, handed_on=permit.hand_on())
        self.ends["answered"] += 1


class Refusing(Endpoint):
    """Has no room for anything."""

    def end(self, chunk: ChunkMessage, permit: Permit) -> None:
        self.entrance.refused(self.job, chunk)
        self.ends["refused"] += 1


class Failing(Endpoint):
    """Answers nothing that a record could be told."""

    def end(self, chunk: ChunkMessage, permit: Permit) -> None:
        handed_on = permit.hand_on(wanted=False)
        self.exit.give_back(self.job, chunk.path, None, handed_on=handed_on)
        self.ends["failed"] += 1


class Accepting(Endpoint):
    """Answers later, and somebody else is told."""

    def end(self, chunk: ChunkMessage, permit: Permit) -> None:
        permit.keep()
        self.ends["accepted"] += 1


@contextmanager
def endpoint(
    kind: type[Endpoint], admissions: FakeAdmissions, cap: int, batch: list[ChunkMessage]
) -> Iterator[Endpoint]:
    entrance = entrance_of(admissions, cap)
    entrance._changed = watched = Watched(len(batch) - cap)
    exit_ = Exit(Lanes(admissions, FakeJournal(), FakeClock(), cap), FakeJournal(), FakeClock())
    with entrance.batch([chunk.to_json() for chunk in batch]), exit_.batch():
        yield kind(entrance, exit_, watched)


def side_by_side(kind: type[Endpoint], admissions: FakeAdmissions, cap: int) -> Endpoint:
    batch = chunks(10)
    with endpoint(kind, admissions, cap, batch) as made, ThreadPoolExecutor(len(batch)) as pool:
        list(pool.map(made.call, batch))
    return made


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy must not have them give up."""
    monkeypatch.setattr(permits, "SHORTEST_WAIT", LONG)


@pytest.mark.parametrize("cap", [1, 2, 5])
def test_ten_chunks_share_the_permits_of_their_batch(cap: int) -> None:
    admissions = Counting()

    made = side_by_side(Endpoint, admissions, cap)

    assert made.ends == {"answered": 10}
    assert made.highest == cap
    share = admissions.read(LANE).share(tag_of(made.job.job_id))
    assert (share.held, share.sent) == (0, 10)
    assert admissions.calls["count"] == 2


def test_nobody_waits_at_an_endpoint_that_refuses_calls() -> None:
    admissions = FakeAdmissions()

    made = side_by_side(Refusing, admissions, 1)

    assert made.ends == {"refused": 1, "turned away": 9}
    assert admissions.held("demo") == 0


def test_nobody_follows_a_call_that_has_failed() -> None:
    admissions = FakeAdmissions()

    made = side_by_side(Failing, admissions, 3)

    assert made.ends == {"failed": 3, "turned away": 7}
    assert admissions.held("demo") == 0


def test_nobody_waits_for_permits_of_attempts_that_somebody_else_ends() -> None:
    admissions = FakeAdmissions()

    made = side_by_side(Accepting, admissions, 2)

    assert made.ends == {"accepted": 2, "turned away": 8}
    assert admissions.held("demo") == 2


def test_a_chunk_doesnt_wait_long_for_another_ones_permit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permits, "SHORTEST_WAIT", 0.0)
    entrance, job = entrance_of(FakeAdmissions(), 1), job_of("job", 10, 0)
    first, second = chunks(2)

    with entrance.batch([first.to_json(), second.to_json()]), entrance.permit(job, first):
        with entrance.permit(job, second) as permit:
            assert permit is None
        assert entrance._batch.lots.popitem()[1].waiting == 0
