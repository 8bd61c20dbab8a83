"""From prepared records to an asynchronous invocation."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from penstock.domain.errors import PermanentError
from penstock.domain.job import Job
from penstock.domain.locations import parse_answer_location
from penstock.domain.pricing import INLINE_LIMIT
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.ports import AsyncRequest, AsyncTicket, Model, ObjectStore
from penstock.use_cases.permits import Permit
from penstock.use_cases.prepare_chunk import Prepared
from penstock.use_cases.record_attempt import INVOKED, RecordAttempt

SHORTEST_QUEUE_TIMEOUT = 60
"""Seconds that RequestTTLSeconds has at least."""


@dataclass(frozen=True, slots=True)
class SendChunk:
    """InvokeEndpointAsync: the answer comes to collect_result."""

    objects: ObjectStore
    model: Model
    record: RecordAttempt
    now: Callable[[], float]
    work_bucket: str

    def __call__(self, prepared: Prepared, permit: Permit) -> None:
        """Keeps the permit once SageMaker has the request. Raises InvocationError."""
        ticket = self.model.invoke_async(self._request(prepared))
        permit.keep()
        self._check(prepared.job, ticket)
        self.record(prepared, INVOKED, ticket)

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

    def _request(self, prepared: Prepared) -> AsyncRequest:
        invoke, body = prepared.job.pipeline.invoke, prepared.payload().body
        inline = len(body) <= INLINE_LIMIT
        return AsyncRequest(
            endpoint=invoke.endpoint,
            inference_id=str(prepared.inference_id),
            content_type=prepared.content_type,
            accept=prepared.accept,
            timeout=invoke.timeout_for(len(prepared.records)),
            queue_timeout=self._queue_timeout(prepared.job),
            custom_attributes=invoke.custom_attributes,
            body=body if inline else None,
            input_location=None if inline else self._stage(prepared, body),
        )

    def _queue_timeout(self, job: Job) -> int:
        """What waits longer than the job would be inferred, and paid for, in vain."""
        time_left = ceil(job.deadline_at - self.now())
        return max(SHORTEST_QUEUE_TIMEOUT, min(job.pipeline.invoke.queue_timeout, time_left))

    def _stage(self, prepared: Prepared, body: bytes) -> str:
        # One key an attempt: SageMaker may still read the object of an attempt that timed out.
        chunk = prepared.chunk
        key = f"async/input/{chunk.job_id}/{chunk.path}/{chunk.attempt}"
        self.objects.put(self.work_bucket, key, body, prepared.content_type)
        return f"s3://{self.work_bucket}/{key}"
