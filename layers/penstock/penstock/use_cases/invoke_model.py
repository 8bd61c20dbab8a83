"""From a chunk to an asynchronous invocation."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.identity import InferenceId
from penstock.domain.job import Job
from penstock.domain.payload import Payload, build_payload, find_rejections, without
from penstock.domain.pricing import INLINE_LIMIT
from penstock.domain.trouble import GiveUp, InvocationError, Retry, Trouble, next_step
from penstock.ports import (
    AsyncRequest,
    AsyncTicket,
    JobTable,
    Journal,
    Model,
    ObjectRef,
    ObjectStore,
    Queues,
)
from penstock.use_cases.read_records import LARGEST_CHUNK, read_records
from penstock.use_cases.settle_chunk import SettleChunk


@dataclass(frozen=True, slots=True)
class InvokeModel:
    """Sends one chunk to the model, or settles it if that makes no sense (any more).

    A message that comes twice finds the attempt recorded and is dropped. Only a function that dies
    between the call and its record leaves no trace: then the inference is repeated, which SageMaker
    offers no way to avoid, and the first answer that arrives counts.
    """

    objects: ObjectStore
    table: JobTable
    queues: Queues
    model: Model
    settle: SettleChunk
    get_job: Callable[[str], Job | None]
    read_header: Callable[[ObjectRef, int, int], bytes]
    journal: Journal
    now: Callable[[], float]
    uniform: Callable[[float, float], float]
    work_bucket: str

    def __call__(self, chunk: ChunkMessage) -> None:
        job = self.get_job(chunk.job_id)
        if job is None or job.status.terminal:
            return
        state = self.table.get_chunk(chunk.job_id, chunk.path)
        if state and state.outcome:
            if state.message is None:
                # The answer was first; assembly waits for the record of the attempt.
                self.table.record_attempt(job.job_id, ChunkState(chunk.path, chunk))
            self.settle.report(chunk.job_id, chunk.path, chunk.chunks)
        elif state is None or not state.has_sent(chunk):
            self._attempt(job, chunk)

    def _attempt(self, job: Job, chunk: ChunkMessage) -> None:
        obstacle = _obstacle(job, chunk, self.now())
        if obstacle:
            self._give_up(chunk, obstacle, attempts=chunk.attempt - 1)
            return
        try:
            self._invoke(job, chunk)
        except InvocationError as error:
            self._after(job, chunk, error.trouble)
        except PermanentError as error:
            reason = GiveUp(error.code, error.message)
            self._give_up(chunk, reason, attempts=chunk.attempt - 1)

    def _invoke(self, job: Job, chunk: ChunkMessage) -> None:
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
        ticket = self.model.invoke_async(self._request(job, inference_id, payload))
        self._record(chunk, inference_id, ticket, len(rejections))

    def _header(self, job: Job) -> bytes | None:
        if job.pipeline.input.header != "send" or not (job.totals and job.totals.header):
            return None
        header = self.read_header(ObjectRef.of(job.source), *job.totals.header)
        return header.rstrip(b"\r\n")

    def _request(self, job: Job, inference_id: InferenceId, payload: Payload) -> AsyncRequest:
        invoke = job.pipeline.invoke
        inline = len(payload.body) <= INLINE_LIMIT
        return AsyncRequest(
            endpoint=invoke.endpoint,
            inference_id=str(inference_id),
            content_type=job.pipeline.content_type_of(job.source.key),
            accept=job.pipeline.accept_of(job.source.key),
            timeout=invoke.timeout,
            queue_timeout=invoke.queue_timeout,
            custom_attributes=invoke.custom_attributes,
            body=payload.body if inline else None,
            input_location=None if inline else self._stage(job, inference_id, payload),
        )

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

    def _settle_rejected(self, chunk: ChunkMessage, rejected: int) -> None:
        """All records were refused here: the chunk is predicted, with no predictions in it."""
        state = ChunkState(chunk.path, chunk, rejected=rejected)
        self.table.record_attempt(chunk.job_id, state)
        outcome = Outcome("predictions", attempts=0, settled_at=self.now())
        self.settle(chunk.job_id, chunk.path, chunk.chunks, outcome)

    def _after(self, job: Job, chunk: ChunkMessage, trouble: Trouble) -> None:
        time_left = job.deadline_at - self.now()
        match next_step(job.pipeline.retry, chunk, trouble, time_left, self.uniform):
            case Retry(message, delay):
                note_retry(self.journal, message, delay, trouble)
                self.queues.invoke(chunk.job_id, [message], delay)
            case GiveUp() as giving_up:
                self._give_up(chunk, giving_up, attempts=chunk.attempt)

    def _give_up(self, chunk: ChunkMessage, reason: GiveUp, *, attempts: int) -> None:
        """`attempts` are those that reached the model."""
        self.table.record_attempt(chunk.job_id, ChunkState(chunk.path, chunk))
        outcome = error_outcome(reason, attempts, self.now())
        self.settle(chunk.job_id, chunk.path, chunk.chunks, outcome)


def _obstacle(job: Job, chunk: ChunkMessage, now: float) -> GiveUp | None:
    """Why the chunk cannot be sent, if it cannot."""
    if now >= job.deadline_at:
        return GiveUp("DeadlineExceeded", "the job's deadline has passed")
    size = chunk.end - chunk.start
    if size > LARGEST_CHUNK:
        return GiveUp("RecordTooLarge", f"the record has {size} bytes, more than {LARGEST_CHUNK}")
    return None


def note_retry(journal: Journal, message: ChunkMessage, delay: int, trouble: Trouble) -> None:
    journal(
        "ChunkPaused" if message.pauses else "ChunkRetried",
        job_id=message.job_id,
        path=str(message.path),
        attempt=message.attempt,
        delay=delay,
        code=trouble.code,
    )


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
    )


def _shortened(message: str) -> str:
    # JSON may bring half a surrogate pair, which UTF-8 doesn't know.
    text = message[:MAXIMUM_MESSAGE].encode("utf-8", "replace").decode()
    while (size := len(json.dumps(text, ensure_ascii=False).encode())) > MAXIMUM_MESSAGE:
        text = text[: len(text) * MAXIMUM_MESSAGE // (size + 1)]
    return text
