"""From prepared records to an answer in the same breath: real-time inference."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from penstock.domain.chunk import Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Target
from penstock.domain.payload import Payload
from penstock.domain.trouble import InvocationError, answer_trouble
from penstock.ports import Model, ObjectStore, SyncAnswer, SyncRequest
from penstock.use_cases.accept_answer import AcceptAnswer
from penstock.use_cases.prepare_chunk import Prepared
from penstock.use_cases.read_records import TOO_MUCH
from penstock.use_cases.record_attempt import RecordAttempt

FOLDER = "realtime"
"""Of the work bucket, where answers are kept until the output is assembled."""


@dataclass(frozen=True, slots=True)
class AskModel:
    """InvokeEndpoint: who asks, settles.

    The attempt is on record before the call, so that a copy of its message waits for the outcome
    instead of repeating the inference, and that the sweep finds out if nobody is left who waits.
    """

    objects: ObjectStore
    model: Model
    accept: AcceptAnswer
    record: RecordAttempt
    now: Callable[[], float]
    work_bucket: str

    def __call__(self, prepared: Prepared) -> Outcome:
        """Raises InvocationError: no answer, or none with one result per record."""
        target = prepared.job.pipeline.invoke.target
        answer, _ = self.ask(prepared, prepared.payload(), target)
        location = self.keep(prepared, answer.body, answer.content_type)
        inference = prepared.inference_id
        return self.accept.outcome(inference, location, answer.content_type, answer.variant)

    def ask(
        self, prepared: Prepared, payload: Payload, target: Target
    ) -> tuple[SyncAnswer, list[bytes]]:
        """The answer, and the results in it."""
        answer = self.model.invoke(_request(prepared, payload, target))
        try:
            results = self.accept.results(
                prepared.job, answer.body, answer.content_type, payload.sent
            )
        except PermanentError as error:
            raise InvocationError(answer_trouble(error.code, error.message)) from error
        return answer, results

    def keep(self, prepared: Prepared, body: bytes, content_type: str) -> str:
        """Where the answer lies. Two answers to one chunk never share a place."""
        digest = sha256(body).hexdigest()[:16]
        key = f"{FOLDER}/{prepared.job.job_id}/{prepared.chunk.path}/{digest}.out"
        self.objects.put(self.work_bucket, key, body, content_type)
        return f"s3://{self.work_bucket}/{key}"


def _request(prepared: Prepared, payload: Payload, target: Target) -> SyncRequest:
    invoke = prepared.job.pipeline.invoke
    _check_size(prepared, payload)
    return SyncRequest(
        endpoint=invoke.endpoint,
        inference_id=str(prepared.inference_id),
        content_type=prepared.content_type,
        accept=prepared.accept,
        timeout=invoke.timeout_for(payload.sent),
        body=payload.body,
        custom_attributes=invoke.custom_attributes,
        target=target,
    )


def _check_size(prepared: Prepared, payload: Payload) -> None:
    """Raises PermanentError: `ChunkTooLarge`, or `RecordTooLarge` for a single record."""
    size, largest = len(payload.body), prepared.job.pipeline.invoke.max_payload
    if largest is None or size <= largest:
        return
    if prepared.chunk.records > 1:
        raise PermanentError(TOO_MUCH, f"the request has {size} bytes, more than {largest}")
    message = (
        f"the record's request has {size} bytes, more than `invoke.max_payload` of {largest}; send "
        "smaller records, raise it as far as the endpoint allows, or use mode: async"
    )
    raise PermanentError("RecordTooLarge", message)
