"""What follows an invocation that failed: another attempt, two halves, or error lines."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job, Stop
from penstock.domain.probation import ONE_OF_THEM_FAILED
from penstock.domain.trouble import GiveUp, Isolate, Kind, Retry, Trouble, next_step
from penstock.ports import JobTable, Journal, Queues
from penstock.use_cases.isolate_fault import IsolateFault
from penstock.use_cases.probation import Probation
from penstock.use_cases.settle_chunk import SettleChunk


@dataclass(frozen=True, slots=True)
class AfterFailure:
    """Decides, and does it. The same failure told again changes nothing."""

    table: JobTable
    queues: Queues
    settle: SettleChunk
    isolate: IsolateFault
    probation: Probation
    journal: Journal
    now: Callable[[], float]
    uniform: Callable[[float, float], float]

    def __call__(self, job: Job, state: ChunkState, trouble: Trouble) -> None:
        """`state` has the message of the attempt that failed, whether it is on record or not."""
        chunk = _message_of(state)
        if job.stop:
            self.give_up(job, state, stopped(job.stop), chunk.attempt)
            return
        time_left = job.deadline_at - self.now()
        match next_step(job.pipeline.retry, chunk, trouble, time_left, self.uniform):
            case Retry(message, delay):
                self._retry(message, delay, trouble)
            case Isolate() as fault:
                self._isolate(job, state, fault, _since(state, trouble))
            case GiveUp() as reason:
                self._judge(job, state, reason, _since(state, trouble))

    def give_up(self, job: Job, state: ChunkState, reason: GiveUp, attempts: int) -> bool:
        """One error line for each record; `attempts` are those that reached the model."""
        chunk = _message_of(state)
        self._record(job, state)
        outcome = error_outcome(reason, attempts, self.now())
        return self.settle(job.job_id, chunk.path, chunk.chunks, outcome)

    def settle_unsent(self, job: Job, state: ChunkState, reason: GiveUp) -> None:
        """No further attempt is made; the answer to one that is in flight will come too late."""
        attempts = state.attempt if state.inference_id else max(0, state.attempt - 1)
        self.give_up(job, state, reason, attempts)

    def _judge(self, job: Job, state: ChunkState, reason: GiveUp, since: float) -> None:
        chunk = _message_of(state)
        if reason.fatal:
            self.probation.note_fatal(job, reason)
        first = self.give_up(job, state, reason, chunk.attempt)
        if first and not (reason.fatal or reason.unfinished):
            self.probation.note_failure(job, chunk, reason, since)

    def _retry(self, message: ChunkMessage, delay: int, trouble: Trouble) -> None:
        self.journal(
            "ChunkPaused" if message.pauses else "ChunkRetried",
            job_id=message.job_id,
            path=str(message.path),
            attempt=message.attempt,
            delay=delay,
            code=trouble.code,
        )
        self.queues.invoke(message.job_id, [message], delay)

    def _isolate(self, job: Job, state: ChunkState, fault: Isolate, since: float) -> None:
        chunk = _message_of(state)
        self._record(job, state)
        try:
            self.isolate(job, chunk, fault, since)
        except PermanentError as error:
            self.give_up(job, state, GiveUp(error.code, error.message), chunk.attempt)

    def _record(self, job: Job, state: ChunkState) -> None:
        """Assembly and bisection need the message; that of an attempt in flight is on record."""
        if state.inference_id is None:
            self.table.record_attempt(job.job_id, state)


def stopped(stop: Stop) -> GiveUp:
    return GiveUp(stop.code, stop.message, unfinished=True)


def _message_of(state: ChunkState) -> ChunkMessage:
    if state.message is None:
        raise ValueError(f"chunk {state.path} has no message")
    return state.message


def _since(state: ChunkState, trouble: Trouble) -> float:
    """When a prediction would show that the model is well, and thus the records to blame."""
    if trouble.kind is Kind.PERMANENT or state.invoked_at is None:
        return ONE_OF_THEM_FAILED
    return state.invoked_at


MAXIMUM_MESSAGE = 1000
"""Bytes, as JSON, of an error's message that are kept: the item of a chunk that failed stays under
2 KB, thus 4 write units for the chunk in all."""


def error_outcome(reason: GiveUp, attempts: int, now: float) -> Outcome:
    """One error for all records of a chunk."""
    return Outcome(
        "errors",
        attempts=attempts,
        settled_at=now,
        code=reason.code,
        message=_shortened(reason.message),
        unfinished=reason.unfinished,
    )


def _shortened(message: str) -> str:
    # JSON may bring half a surrogate pair, which UTF-8 doesn't know.
    text = message[:MAXIMUM_MESSAGE].encode("utf-8", "replace").decode()
    while (size := len(json.dumps(text, ensure_ascii=False).encode())) > MAXIMUM_MESSAGE:
        text = text[: len(text) * MAXIMUM_MESSAGE // (size + 1)]
    return text
