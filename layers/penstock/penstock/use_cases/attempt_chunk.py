"""From a chunk whose turn it is to an invocation, in real time to its outcome, or to an object."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job
from penstock.domain.remedies import advised
from penstock.domain.trouble import HOP_BUDGET, GiveUp, InvocationError, Trouble
from penstock.ports import JobTable
from penstock.use_cases.after_failure import AfterFailure, stopped
from penstock.use_cases.ask_model import AskModel
from penstock.use_cases.ask_models import AskModels
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.permits import Permit
from penstock.use_cases.prepare_chunk import PrepareChunk, Prepared
from penstock.use_cases.read_records import LARGEST_CHUNK, TOO_MUCH, find_middle
from penstock.use_cases.record_attempt import INVOKED
from penstock.use_cases.send_chunk import SendChunk
from penstock.use_cases.stage_chunk import StageChunk


@dataclass(frozen=True, slots=True)
class AttemptChunk:
    """One attempt: the chunk gets a permit, is prepared, and goes the way of its job's mode.

    Whatever keeps it from that, or goes wrong at it, has its consequence for the chunk. Where a
    function dies between an asynchronous call and its record, or during one in real time, the
    inference is repeated, which SageMaker offers no way to avoid; the first answer counts.
    """

    table: JobTable
    prepare: PrepareChunk
    send: SendChunk
    ask: AskModel
    stage: StageChunk
    after_failure: AfterFailure
    entrance: Entrance
    exit: Exit
    get_job: Callable[[str], Job | None]
    now: Callable[[], float]

    def __call__(self, job: Job, chunk: ChunkMessage, *, inherits: bool = False) -> None:
        """`inherits`: whoever was at this very attempt has died, and their permit is still out."""
        obstacle = _obstacle(job, chunk, self.now())
        if obstacle:
            self._settle_unsent(job, chunk, obstacle)
        elif job.pipeline.invoke.transform:
            self._try(job, chunk, None)
        else:
            self._with_permit(job, chunk, inherits=inherits)

    @contextmanager
    def batch(self, messages: Iterable[Any]) -> Iterator[None]:
        """Around the work on these messages: their permits are taken and given back in lots."""
        with self.entrance.batch(messages), self.exit.batch():
            yield

    def again(self, job: Job, chunk: ChunkMessage, state: ChunkState) -> None:
        """The message of an attempt that is on record."""
        if job.pipeline.invoke.transform:
            # The function that staged it may have died before it asked for the transform job.
            self.stage.ask(chunk)
        elif job.pipeline.invoke.is_realtime and state.is_of(chunk):
            self._after_the_call(job, chunk, state)

    def _after_the_call(self, job: Job, chunk: ChunkMessage, state: ChunkState) -> None:
        """Somebody is at it, and will settle the chunk, or has died in it."""
        longest = job.pipeline.invoke.longest_call(chunk.records)
        wait = (state.invoked_at or 0.0) + longest - self.now()
        if wait > 0 and chunk.hops < HOP_BUDGET:
            self.entrance.come_back(chunk, ceil(wait))
        else:
            self(job, chunk, inherits=True)

    def _with_permit(self, job: Job, chunk: ChunkMessage, *, inherits: bool) -> None:
        with self.entrance.permit(job, chunk, inherits=inherits) as permit:
            if permit:
                self._permitted(job, chunk, permit)
            elif chunk.hops < HOP_BUDGET:
                self.entrance.turn_away(job, chunk)
            else:
                self._settle_unsent(job, chunk, _NO_TURN)

    def _permitted(self, job: Job, chunk: ChunkMessage, permit: Permit) -> None:
        """The job may have been stopped while the chunk waited for its permit."""
        fresh = self.get_job(chunk.job_id) or job
        if fresh.stop:
            self._settle_unsent(fresh, chunk, stopped(fresh.stop))
        else:
            self._try(job, chunk, permit)

    def _try(self, job: Job, chunk: ChunkMessage, permit: Permit | None) -> None:
        """A transform job needs no permit."""
        try:
            self._invoke(job, chunk, permit)
        except InvocationError as error:
            self._failed(job, ChunkState(chunk.path, chunk), error.trouble)
        except PermanentError as error:
            if error.code == TOO_MUCH:
                self._halve(job, chunk)
            else:
                reason = GiveUp(error.code, advised(error.code, error.message))
                self._settle_unsent(job, chunk, reason)

    def _invoke(self, job: Job, chunk: ChunkMessage, permit: Permit | None) -> None:
        prepared = self.prepare(job, chunk)
        if not prepared.records:
            self._settle_rejected(prepared)
        elif permit is None:
            self.stage(prepared)
        elif job.pipeline.invoke.is_realtime:
            self._ask(prepared, permit)
        else:
            self.send(prepared, permit)

    def _ask(self, prepared: Prepared, permit: Permit) -> None:
        """The permit is handed on, or given back with those of the batch: one write for ten."""
        job, chunk = prepared.job, prepared.chunk
        asked_at = None
        try:
            state = self.ask.record(prepared, INVOKED)
            try:
                varies = job.pipeline.invoke.target.model_varies
                outcome = (AskModels(self.ask) if varies else self.ask)(prepared)
                asked_at = state.invoked_at
            except InvocationError as error:
                self._failed(job, state, error.trouble)
                return
            # Noted first: who finds the chunk settled finds this, too.
            self.after_failure.probation.note_prediction(job)
            self._settle(chunk, outcome)
        finally:
            # After a call that has failed the next one need not come at once, if at all.
            handed_on = permit.hand_on(wanted=asked_at is not None)
            self.exit.give_back(job, chunk.path, asked_at, handed_on=handed_on)

    def _failed(self, job: Job, state: ChunkState, trouble: Trouble) -> None:
        assert state.message is not None  # noqa: S101  its caller has made it
        if trouble.is_congestion:
            self.entrance.refused(job, state.message)
        self.after_failure(job, state, trouble)

    def _halve(self, job: Job, chunk: ChunkMessage) -> None:
        """Its records are too much for one request, and none of them is to blame."""
        self.table.record_attempt(chunk.job_id, ChunkState(chunk.path, chunk))
        middle = find_middle(self.prepare.objects, job, chunk)
        outcome = Outcome(
            "bisected", attempts=0, settled_at=self.now(), code=TOO_MUCH, middle=middle
        )
        self._settle(chunk, outcome)

    def _settle_rejected(self, prepared: Prepared) -> None:
        """All records were refused here: the chunk is predicted, with no predictions in it."""
        chunk = prepared.chunk
        state = ChunkState(chunk.path, chunk, rejected=prepared.rejected)
        self.table.record_attempt(chunk.job_id, state)
        self._settle(chunk, Outcome("predictions", attempts=0, settled_at=self.now()))

    def _settle(self, chunk: ChunkMessage, outcome: Outcome) -> None:
        self.after_failure.settle(chunk.job_id, chunk.path, chunk.chunks, outcome)

    def _settle_unsent(self, job: Job, chunk: ChunkMessage, reason: GiveUp) -> None:
        self.after_failure.settle_unsent(job, ChunkState(chunk.path, chunk), reason)


OUT_OF_TIME = GiveUp(
    "DeadlineExceeded", "the job's deadline has passed; raise `deadline`", unfinished=True
)
_NO_TURN = GiveUp("EndpointBusy", f"the endpoint had no room, {HOP_BUDGET} times")


def _obstacle(job: Job, chunk: ChunkMessage, now: float) -> GiveUp | None:
    """Why the chunk cannot be sent, if it cannot."""
    if now >= job.deadline_at:
        return OUT_OF_TIME
    size = chunk.end - chunk.start
    if size > LARGEST_CHUNK and job.redrive is None:
        message = f"the record has {size} bytes, more than {LARGEST_CHUNK}; send smaller records"
        return GiveUp("RecordTooLarge", message)
    return None
