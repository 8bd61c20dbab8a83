"""From a chunk to an invocation, in real time to its outcome, or to a staged object."""

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
class InvokeModel:
    """Sends one chunk to the model, or settles it if that makes no sense (any more).

    A message that comes twice finds the attempt recorded and is dropped; in real time it waits
    until whoever is at the call has settled the chunk, or must have died. Where a function dies
    between an asynchronous call and its record, or during one in real time, the inference is
    repeated, which SageMaker offers no way to avoid; the first answer that arrives counts.
    """

    table: JobTable
    prepare: PrepareChunk
    send: SendChunk
    ask: AskModel
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
            self._settle_unsent(job, _known(chunk, state), stopped(job.stop))
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

    def _settle_unsent(self, job: Job, state: ChunkState, reason: GiveUp) -> None:
        """Also of a chunk that is in flight: its answer will come too late."""
        attempts = state.attempt if state.inference_id else max(0, state.attempt - 1)
        self.after_failure.give_up(job, state, reason, attempts)

    def _sent_before(self, job: Job, chunk: ChunkMessage, state: ChunkState) -> None:
        if job.pipeline.invoke.transform:
            # The function that staged it may have died before it asked for the transform job.
            self.stage.ask(chunk)
            return
        if not (job.pipeline.invoke.is_realtime and state.is_of(chunk)):
            return
        longest = job.pipeline.invoke.longest_call(chunk.records)
        wait = (state.invoked_at or 0.0) + longest - self.now()
        if wait > 0 and chunk.hops < HOP_BUDGET:
            self.entrance.come_back(chunk, ceil(wait))
        else:
            self._attempt(job, chunk, inherits=True)

    def _in_turn(self, job: Job, chunk: ChunkMessage, state: ChunkState | None) -> None:
        was_sent = state is not None and state.inference_id is not None
        if self.after_failure.probation.lets_go(job, chunk, was_sent=was_sent):
            self._attempt(job, chunk)
        elif self.now() < job.deadline_at:
            self.after_failure.isolate.hold(chunk.paused())
        else:
            self._settle_unsent(job, _known(chunk, state), _OUT_OF_TIME)

    def _attempt(self, job: Job, chunk: ChunkMessage, *, inherits: bool = False) -> None:
        unsent = ChunkState(chunk.path, chunk)
        obstacle = _obstacle(job, chunk, self.now())
        if obstacle:
            self._settle_unsent(job, unsent, obstacle)
            return
        if job.pipeline.invoke.transform:
            self._try(job, chunk, None)
            return
        with self.entrance.permit(job, chunk, inherits=inherits) as permit:
            if permit:
                self._permitted(job, chunk, permit)
            elif chunk.hops < HOP_BUDGET:
                self.entrance.turn_away(job, chunk)
            else:
                self._settle_unsent(job, unsent, _NO_TURN)

    def _permitted(self, job: Job, chunk: ChunkMessage, permit: Permit) -> None:
        """The job may have been stopped while the chunk waited for its permit."""
        fresh = self.get_job(chunk.job_id) or job
        if fresh.stop:
            self._settle_unsent(fresh, ChunkState(chunk.path, chunk), stopped(fresh.stop))
        else:
            self._try(job, chunk, permit)

    def _try(self, job: Job, chunk: ChunkMessage, permit: Permit | None) -> None:
        """A transform job needs no permit."""
        unsent = ChunkState(chunk.path, chunk)
        try:
            self._invoke(job, chunk, permit)
        except InvocationError as error:
            self._failed(job, unsent, error.trouble)
        except PermanentError as error:
            if error.code == TOO_MUCH:
                self._halve(job, unsent, chunk)
                return
            reason = GiveUp(error.code, advised(error.code, error.message))
            self._settle_unsent(job, unsent, reason)

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

    def _halve(self, job: Job, unsent: ChunkState, chunk: ChunkMessage) -> None:
        """Its records are too much for one request, and none of them is to blame."""
        self.table.record_attempt(chunk.job_id, unsent)
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


_NO_TURN = GiveUp("EndpointBusy", f"the endpoint had no room, {HOP_BUDGET} times")
_OUT_OF_TIME = GiveUp(
    "DeadlineExceeded", "the job's deadline has passed; raise `deadline`", unfinished=True
)


def _known(chunk: ChunkMessage, state: ChunkState | None) -> ChunkState:
    """What is on record of an attempt, else what would be."""
    return state if state and state.message else ChunkState(chunk.path, chunk)


def _obstacle(job: Job, chunk: ChunkMessage, now: float) -> GiveUp | None:
    """Why the chunk cannot be sent, if it cannot."""
    if now >= job.deadline_at:
        return _OUT_OF_TIME
    size = chunk.end - chunk.start
    if size > LARGEST_CHUNK and job.redrive is None:
        message = f"the record has {size} bytes, more than {LARGEST_CHUNK}; send smaller records"
        return GiveUp("RecordTooLarge", message)
    return None
