"""A chunk's message has come: whether it is the chunk's turn to go to the model."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

from penstock.domain.chunk import ChunkMessage, ChunkState
from penstock.domain.job import Job
from penstock.domain.trouble import HOP_BUDGET
from penstock.ports import JobTable
from penstock.use_cases.after_failure import AfterFailure, stopped
from penstock.use_cases.attempt_chunk import OUT_OF_TIME, AttemptChunk
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.stage_chunk import StageChunk


@dataclass(frozen=True, slots=True)
class InvokeModel:
    """Has one chunk attempted, or settles it if that makes no sense (any more).

    A message that comes twice finds the attempt recorded and is dropped; in real time it waits
    until whoever is at the call has settled the chunk, or must have died. Where a function dies
    between an asynchronous call and its record, or during one in real time, the inference is
    repeated, which SageMaker offers no way to avoid; the first answer that arrives counts.
    """

    table: JobTable
    attempt: AttemptChunk
    after_failure: AfterFailure
    entrance: Entrance
    exit: Exit
    stage: StageChunk
    get_job: Callable[[str], Job | None]
    now: Callable[[], float]

    @contextmanager
    def batch(self, messages: Iterable[Any]) -> Iterator[None]:
        """Around the work on these messages: their permits are taken and given back in lots."""
        with self.entrance.batch(messages), self.exit.batch():
            yield

    def __call__(self, chunk: ChunkMessage) -> None:
        job = self.get_job(chunk.job_id)
        if job is None or job.status.terminal:
            return
        state = self.table.get_chunk(chunk.job_id, chunk.path)
        if state and state.outcome:
            self._follow(chunk, state)
        elif job.stop:
            self.after_failure.settle_unsent(job, _known(chunk, state), stopped(job.stop))
        elif state and state.has_sent(chunk):
            self._sent_before(job, chunk, state)
        elif state is None or not state.has_held(chunk):
            self._in_turn(job, chunk, state)

    def _follow(self, chunk: ChunkMessage, state: ChunkState) -> None:
        """The chunk is settled; what follows may have been lost."""
        if state.message is None:
            # The answer was first; assembly waits for the record of the attempt.
            self.table.record_attempt(chunk.job_id, ChunkState(chunk.path, chunk))
        self.after_failure.settle.follow(chunk.job_id, state, chunk.chunks)

    def _sent_before(self, job: Job, chunk: ChunkMessage, state: ChunkState) -> None:
        if job.pipeline.invoke.transform:
            # The function that staged it may have died before it asked for the transform job.
            self.stage.ask(chunk)
        elif job.pipeline.invoke.is_realtime and state.is_of(chunk):
            self._after(job, chunk, state)

    def _after(self, job: Job, chunk: ChunkMessage, state: ChunkState) -> None:
        """Somebody is at the call, or has died in it."""
        longest = job.pipeline.invoke.longest_call(chunk.records)
        wait = (state.invoked_at or 0.0) + longest - self.now()
        if wait > 0 and chunk.hops < HOP_BUDGET:
            self.entrance.come_back(chunk, ceil(wait))
        else:
            self.attempt(job, chunk, inherits=True)

    def _in_turn(self, job: Job, chunk: ChunkMessage, state: ChunkState | None) -> None:
        was_sent = state is not None and state.inference_id is not None
        if self.after_failure.probation.lets_go(job, chunk, was_sent=was_sent):
            self.attempt(job, chunk)
        elif self.now() < job.deadline_at:
            self.after_failure.isolate.hold(chunk.paused())
        else:
            self.after_failure.settle_unsent(job, _known(chunk, state), OUT_OF_TIME)


def _known(chunk: ChunkMessage, state: ChunkState | None) -> ChunkState:
    """What is on record of an attempt, else what would be."""
    return state if state and state.message else ChunkState(chunk.path, chunk)
