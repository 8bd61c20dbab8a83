"""From a chunk to an asynchronous invocation, or to an object of a transform job."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.identity import InferenceId
from penstock.domain.job import Job
from penstock.domain.locations import parse_answer_location
from penstock.domain.payload import Payload, build_payload, find_rejections, without
from penstock.domain.pricing import INLINE_LIMIT
from penstock.domain.remedies import advised
from penstock.domain.trouble import HOP_BUDGET, GiveUp, InvocationError, Kind, Trouble
from penstock.ports import (
    AsyncRequest,
    AsyncTicket,
    JobTable,
    Journal,
    Model,
    ObjectRef,
    ObjectStore,
)
from penstock.use_cases.after_failure import AfterFailure, stopped
from penstock.use_cases.entrance import Entrance, Permit
from penstock.use_cases.read_records import (
    LARGEST_CHUNK,
    TOO_MUCH,
    find_middle,
    read_records,
)
from penstock.use_cases.settle_chunk import SettleChunk
from penstock.use_cases.stage_chunk import Parcel, StageChunk

SHORTEST_QUEUE_TIMEOUT = 60
"""Seconds that RequestTTLSeconds has at least."""


@dataclass(frozen=True, slots=True)
class InvokeModel:
    """Sends one chunk to the model, or settles it if that makes no sense (any more).

    A message that comes twice finds the attempt recorded and is dropped. Only a function that dies
    between the call and its record leaves no trace: then the inference is repeated, which SageMaker
    offers no way to avoid, and the first answer that arrives counts.
    """

    objects: ObjectStore
    table: JobTable
    model: Model
    settle: SettleChunk
    after_failure: AfterFailure
    entrance: Entrance
    stage: StageChunk
    get_job: Callable[[str], Job | None]
    read_header: Callable[[ObjectRef, int, int], bytes]
    journal: Journal
    now: Callable[[], float]
    work_bucket: str

    def __call__(self, chunk: ChunkMessage) -> None:
        job = self.get_job(chunk.job_id)
        if job is None or job.status.terminal:
            return
        state = self.table.get_chunk(chunk.job_id, chunk.path)
        if state and state.outcome:
            self._follow(chunk, state)
        elif job.stop:
            self._settle_unsent(job, _known(chunk, state), stopped(job.stop))
        elif state is None or not (state.has_sent(chunk) or state.has_held(chunk)):
            self._in_turn(job, chunk, state)
        elif job.pipeline.invoke.transform:
            # The function that staged it may have died before it asked for the transform job.
            self.stage.ask(chunk)

    def _follow(self, chunk: ChunkMessage, state: ChunkState) -> None:
        """The chunk is settled; what follows may have been lost."""
        if state.message is None:
            # The answer was first; assembly waits for the record of the attempt.
            self.table.record_attempt(chunk.job_id, ChunkState(chunk.path, chunk))
        self.settle.follow(chunk.job_id, state, chunk.chunks)

    def _settle_unsent(self, job: Job, state: ChunkState, reason: GiveUp) -> None:
        """Also of a chunk that is in flight: its answer will come too late."""
        attempts = state.attempt if state.inference_id else max(0, state.attempt - 1)
        self.after_failure.give_up(job, state, reason, attempts)

    def _in_turn(self, job: Job, chunk: ChunkMessage, state: ChunkState | None) -> None:
        was_sent = state is not None and state.inference_id is not None
        if self.after_failure.probation.lets_go(job, chunk, was_sent=was_sent):
            self._attempt(job, chunk)
        elif self.now() < job.deadline_at:
            self.after_failure.isolate.hold(chunk.paused())
        else:
            self._settle_unsent(job, _known(chunk, state), _OUT_OF_TIME)

    def _attempt(self, job: Job, chunk: ChunkMessage) -> None:
        unsent = ChunkState(chunk.path, chunk)
        obstacle = _obstacle(job, chunk, self.now())
        if obstacle:
            self._settle_unsent(job, unsent, obstacle)
            return
        if job.pipeline.invoke.transform:
            self._send(job, chunk, None)
            return
        with self.entrance.permit(job, chunk) as permit:
            if permit:
                self._send(job, chunk, permit)
            elif chunk.hops < HOP_BUDGET:
                self.entrance.turn_away(job, chunk)
            else:
                self._settle_unsent(job, unsent, _NO_TURN)

    def _send(self, job: Job, chunk: ChunkMessage, permit: Permit | None) -> None:
        """A transform job needs no permit."""
        unsent = ChunkState(chunk.path, chunk)
        try:
            self._invoke(job, chunk, permit)
        except InvocationError as error:
            if error.trouble.kind is Kind.UNAVAILABLE:
                self.entrance.refused(job, chunk)
            self.after_failure(job, unsent, error.trouble)
        except PermanentError as error:
            if error.code == TOO_MUCH:
                self._halve(job, unsent, chunk)
                return
            reason = GiveUp(error.code, advised(error.code, error.message))
            self._settle_unsent(job, unsent, reason)

    def _invoke(self, job: Job, chunk: ChunkMessage, permit: Permit | None) -> None:
        records = read_records(self.objects, job, chunk)
        rejections = find_rejections(job.pipeline.format_of(job.source.key), records)
        accepted = without(records, rejections)
        if not accepted:
            self._settle_rejected(chunk, len(rejections))
            return
        content_type = job.pipeline.content_type_of(job.source.key)
        payload = build_payload(content_type, accepted, self._header(job))
        inference_id = InferenceId(
            chunk.job_id, chunk.path, chunk.attempt, payload.sent, chunk.chunks
        )
        if permit is None:
            self._stage_for_transform(job, Parcel(chunk, inference_id, payload, len(rejections)))
            return
        ticket = self.model.invoke_async(self._request(job, inference_id, payload))
        permit.keep()
        self._check(job, ticket)
        self._record(chunk, inference_id, ticket, len(rejections))

    def _stage_for_transform(self, job: Job, parcel: Parcel) -> None:
        transform = job.pipeline.invoke.transform
        assert transform is not None  # noqa: S101  the others have permits
        self.stage(job, transform, parcel)

    def _check(self, job: Job, ticket: AsyncTicket) -> None:
        """Raises InvocationError for an endpoint that answers where nobody here may read."""
        try:
            parse_answer_location(ticket.output_location, self.work_bucket)
        except PermanentError as error:
            message = (
                f"endpoint {job.pipeline.invoke.endpoint} answers to {ticket.output_location}; set "
                f"the S3OutputPath of its configuration to s3://{self.work_bucket}/async/output"
            )
            trouble = Trouble(Kind.PERMANENT, "ForeignOutputPath", message)
            raise InvocationError(trouble) from error

    def _header(self, job: Job) -> bytes | None:
        if job.pipeline.input.header != "send" or job.header is None:
            return None
        source, start, end = job.header
        return self.read_header(ObjectRef.of(source), start, end).rstrip(b"\r\n")

    def _request(self, job: Job, inference_id: InferenceId, payload: Payload) -> AsyncRequest:
        invoke = job.pipeline.invoke
        inline = len(payload.body) <= INLINE_LIMIT
        return AsyncRequest(
            endpoint=invoke.endpoint,
            inference_id=str(inference_id),
            content_type=job.pipeline.content_type_of(job.source.key),
            accept=job.pipeline.accept_of(job.source.key),
            timeout=invoke.timeout_for(payload.sent),
            queue_timeout=self._queue_timeout(job),
            custom_attributes=invoke.custom_attributes,
            body=payload.body if inline else None,
            input_location=None if inline else self._stage(job, inference_id, payload),
        )

    def _queue_timeout(self, job: Job) -> int:
        """What waits longer than the job would be inferred, and paid for, in vain."""
        time_left = ceil(job.deadline_at - self.now())
        return max(SHORTEST_QUEUE_TIMEOUT, min(job.pipeline.invoke.queue_timeout, time_left))

    def _stage(self, job: Job, inference_id: InferenceId, payload: Payload) -> str:
        # One key an attempt: SageMaker may still read the object of an attempt that timed out.
        key = f"async/input/{job.job_id}/{inference_id.path}/{inference_id.attempt}"
        content_type = job.pipeline.content_type_of(job.source.key)
        self.objects.put(self.work_bucket, key, payload.body, content_type)
        return f"s3://{self.work_bucket}/{key}"

    def _record(
        self, chunk: ChunkMessage, inference_id: InferenceId, ticket: AsyncTicket, rejected: int
    ) -> None:
        state = ChunkState(
            path=chunk.path,
            message=chunk,
            rejected=rejected,
            inference_id=str(inference_id),
            output_location=ticket.output_location,
            failure_location=ticket.failure_location,
            invoked_at=self.now(),
        )
        self.table.record_attempt(chunk.job_id, state)
        self.journal(
            "ChunkInvoked", job_id=chunk.job_id, path=str(chunk.path), attempt=chunk.attempt
        )

    def _halve(self, job: Job, unsent: ChunkState, chunk: ChunkMessage) -> None:
        """Its records are too much for one request, and none of them is to blame."""
        self.table.record_attempt(chunk.job_id, unsent)
        middle = find_middle(self.objects, job, chunk)
        outcome = Outcome(
            "bisected", attempts=0, settled_at=self.now(), code=TOO_MUCH, middle=middle
        )
        self.settle(chunk.job_id, chunk.path, chunk.chunks, outcome)

    def _settle_rejected(self, chunk: ChunkMessage, rejected: int) -> None:
        """All records were refused here: the chunk is predicted, with no predictions in it."""
        state = ChunkState(chunk.path, chunk, rejected=rejected)
        self.table.record_attempt(chunk.job_id, state)
        outcome = Outcome("predictions", attempts=0, settled_at=self.now())
        self.settle(chunk.job_id, chunk.path, chunk.chunks, outcome)


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
