"""A chunk's message has come: whether it is the chunk's turn to go to the model."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage, ChunkState
from penstock.domain.job import Job
from penstock.ports import JobTable
from penstock.use_cases.after_failure import AfterFailure, stopped
from penstock.use_cases.attempt_chunk import OUT_OF_TIME, AttemptChunk


@dataclass(frozen=True, slots=True)
class InvokeModel:
    """Has one chunk attempted, or settles it if that makes no sense (any more).

    A message that comes twice finds the attempt recorded and is dropped; in real time it waits
    until whoever is at the call has settled the chunk, or must have died.
    """

    table: JobTable
    attempt: AttemptChunk
    after_failure: AfterFailure
    get_job: Callable[[str], Job | None]
    now: Callable[[], float]

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
            self.attempt.again(job, chunk, state)
        elif state is None or not state.has_held(chunk):
            self._in_turn(job, chunk, state)

    def _follow(self, chunk: ChunkMessage, state: ChunkState) -> None:
        """The chunk is settled; what follows may have been lost."""
        if state.message is None:
            # The answer was first; assembly waits for the record of the attempt.
            self.table.record_attempt(chunk.job_id, ChunkState(chunk.path, chunk))
        self.after_failure.settle.follow(chunk.job_id, state, chunk.chunks)

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
