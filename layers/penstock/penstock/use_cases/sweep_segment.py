"""What of one segment was lost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from penstock.domain.chunk import ChunkState
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job
from penstock.domain.locations import parse_location
from penstock.domain.trouble import GiveUp
from penstock.ports import JobTable, Journal, ObjectRef, ObjectStore, Queues
from penstock.use_cases import messages
from penstock.use_cases.after_failure import error_outcome
from penstock.use_cases.recover_permits import Census
from penstock.use_cases.settle_chunk import SettleChunk


@dataclass(slots=True)
class Budget:
    """What one run may still do: segments to read, chunks to act on."""

    segments: int = 64
    chunks: int = 1000

    @property
    def spent(self) -> bool:
        return self.segments <= 0 or self.chunks <= 0


def expires_at(job: Job, patience: float) -> float:
    """When no more answers are waited for: what was sent at the deadline has had its time."""
    return job.deadline_at + job.pipeline.longest_timeout + patience


@dataclass(frozen=True, slots=True)
class SweepSegment:
    """Looks for answers of which nobody was told, and after the job's end settles the rest."""

    objects: ObjectStore
    table: JobTable
    queues: Queues
    settle: SettleChunk
    collect: Callable[[dict[str, Any]], None]
    journal: Journal
    now: Callable[[], float]
    patience: float

    def __call__(self, job: Job, segment: int, budget: Budget, census: Census) -> bool:
        """Whether the segment has chunks that nothing is known of."""
        budget.segments -= 1
        states = self.table.get_segment(job.job_id, segment)
        census.note(state for state in states if self._may_be_in_flight(job, state))
        expired = self.now() >= expires_at(job, self.patience)
        is_idle = cache(lambda: self.queues.chunks_waiting() == 0)
        for state in states:
            if budget.chunks > 0 and self._is_due(job, state, expired=expired):
                budget.chunks -= 1
                self._recover(job, state, is_idle, expired=expired)
        complete = is_complete(states)
        if complete and self._is_stuck(states):
            self._assemble(job, segment, states)
        return not complete

    def _may_be_in_flight(self, job: Job, state: ChunkState) -> bool:
        """In real time it can be told when nobody is at a call any more."""
        invoke = job.pipeline.invoke
        if not invoke.is_realtime or state.message is None:
            return True
        return self._age(state) < invoke.longest_call(state.message.records)

    def _is_due(self, job: Job, state: ChunkState, *, expired: bool) -> bool:
        if state.outcome or not state.message:
            return False
        if expired:
            return True
        if job.pipeline.invoke.transform:
            return False  # sweep_transforms looks after its transform job.
        waits_for = _timeout(job, state) + self.patience
        return state.inference_id is not None and self._age(state) >= waits_for

    def _age(self, state: ChunkState) -> float:
        now = self.now()
        return now - (now if state.invoked_at is None else state.invoked_at)

    def _is_overdue(self, job: Job, state: ChunkState, is_idle: Callable[[], bool]) -> bool:
        """Whether SageMaker has given up, too, and its word has had time to come.

        In real time its word comes at once, and then it is a message that makes the chunk go on.
        """
        if job.pipeline.invoke.is_realtime and is_idle():
            return True
        waits_for = job.pipeline.invoke.queue_timeout + _timeout(job, state) + self.patience
        return self._age(state) >= waits_for

    def _recover(
        self, job: Job, state: ChunkState, is_idle: Callable[[], bool], *, expired: bool
    ) -> None:
        if self._is_there(state.output_location):
            self._journal("NotificationLost", job, state)
            self.collect(_completed(state))
        elif expired:
            self._expire(job, state)
        elif self._is_there(state.failure_location):
            self._fail("NotificationLost", job, state)
        elif self._is_overdue(job, state, is_idle):
            self._fail("AnswerLost", job, state)

    def _fail(self, event: str, job: Job, state: ChunkState) -> None:
        self._journal(event, job, state)
        # Its time begins anew: the next attempt may have to wait before it is on record. Noted
        # first, so that nothing overwrites the record of the next one.
        self.table.record_attempt(job.job_id, replace(state, invoked_at=self.now()))
        self.collect(_failed(state))

    def _is_there(self, location: str | None) -> bool:
        if not location:
            return False
        try:
            self.objects.read_range(ObjectRef(*parse_location(location)), 0, 1)
        except PermanentError as error:
            # Whatever else is wrong with it, an answer that cannot be read settles the chunk, too.
            return error.code not in {"ObjectNotFound"}
        return True

    def _expire(self, job: Job, state: ChunkState) -> None:
        assert state.message is not None  # noqa: S101  _is_due has checked
        text = "the job's deadline passed before the answer came"
        reason = GiveUp("DeadlineExceeded", text, unfinished=True)
        outcome = error_outcome(reason, state.attempt, self.now())
        self.settle(job.job_id, state.path, state.message.chunks, outcome)

    def _is_stuck(self, states: Sequence[ChunkState]) -> bool:
        """Whether the segment should have been assembled by now."""
        settled = [state.outcome.settled_at for state in states if state.outcome]
        return len(settled) == len(states) and self.now() >= max(settled) + self.patience

    def _assemble(self, job: Job, segment: int, states: Sequence[ChunkState]) -> None:
        chunks = max(state.message.chunks for state in states if state.message)
        self.queues.assemble(job.job_id, [messages.assemble(job.job_id, segment, chunks)])

    def _journal(self, event: str, job: Job, state: ChunkState) -> None:
        self.journal(event, job_id=job.job_id, path=str(state.path), attempt=state.attempt)


def _timeout(job: Job, state: ChunkState) -> int:
    return job.pipeline.invoke.timeout_for(state.message.records if state.message else 1)


def is_complete(states: Sequence[ChunkState]) -> bool:
    """Whether every chunk of the segment has been taken up, halves of bisected ones too."""
    expected = {state.message.chunks for state in states if state.message}
    if not expected or any(state.message is None for state in states):
        return False
    paths = {state.path for state in states}
    whole = sum(not path.bits for path in paths)
    halves = {state.path.half(bit) for state in states if state.bisected for bit in (0, 1)}
    return whole >= max(expected) and halves <= paths


def _completed(state: ChunkState) -> dict[str, Any]:
    """The notification that SageMaker owes."""
    return {
        "inferenceId": state.inference_id,
        "invocationStatus": "Completed",
        "responseParameters": {"outputLocation": state.output_location},
    }


def _failed(state: ChunkState) -> dict[str, Any]:
    return {
        "inferenceId": state.inference_id,
        "invocationStatus": "Failed",
        "failureReason": "SageMaker gave no answer and said nothing of a failure",
    }
