"""Chunks that a function has at the same time: what it does once for all, what they hand on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Barrier, BrokenBarrierError
from typing import Any

from penstock.domain.chunk import ChunkMessage
from penstock.domain.probation import NOTED_EVERY
from penstock.testing import FakeClock, FakeJournal, FakeObjects, FakeTable
from penstock.use_cases.probation import Probation
from penstock.use_cases.record_attempt import RecordAttempt
from penstock.use_cases.stage_chunk import StageChunk
from tests.unit.use_cases.traffic import job_of

TOGETHER = 10
JOB = job_of("job", 1, 0)


@dataclass
class Counted:
    """A table, or queues: counts what is written and sent."""

    calls: list[str] = field(default_factory=list)
    all_here: Barrier = field(default_factory=lambda: Barrier(TOGETHER))

    def update_job(self, job_id: str, *_: Any, **fields: Any) -> bool:
        self.calls.append(f"{job_id} {sorted(fields)}")
        return True

    def transform(self, job_id: str, *_: Any) -> None:
        self.calls.append(job_id)
        # A call takes a while: long enough for the others to come here too, if nothing holds them.
        with suppress(BrokenBarrierError):
            self.all_here.wait(timeout=0.05)


def side_by_side(work: Callable[[], None]) -> None:
    barrier = Barrier(TOGETHER)

    def one() -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(TOGETHER) as pool:
        for each in [pool.submit(one) for _ in range(TOGETHER)]:
            each.result()


def test_of_the_chunks_that_are_predicted_at_the_same_time_one_notes_it_in_the_job() -> None:
    table: Any = Counted()
    probation = Probation(table, FakeJournal(), FakeClock())

    side_by_side(lambda: probation.note_prediction(JOB))

    assert table.calls == [f"{JOB.job_id} ['predicted_at']"]


def test_a_job_that_is_remembered_as_it_was_is_noted_again_after_a_while() -> None:
    table: Any = Counted()
    clock = FakeClock()
    probation = Probation(table, FakeJournal(), clock)
    for seconds in (0.0, NOTED_EVERY - 1, 1.0, 1.0):
        clock.advance(seconds)
        probation.note_prediction(JOB)

    assert len(table.calls) == 2


def test_of_the_chunks_that_are_staged_at_the_same_time_one_asks_for_a_transform_job() -> None:
    queues: Any = Counted()
    record = RecordAttempt(FakeTable(), FakeJournal(), FakeClock())
    stage = StageChunk(FakeObjects(), queues, record, FakeClock(), "work", window=60)
    chunk = ChunkMessage(JOB.job_id, 0, 0, start=0, end=1, records=1, first_record=0, chunks=1)

    side_by_side(lambda: stage.ask(chunk))

    assert queues.calls == [JOB.job_id]
