"""From SageMaker's notification to an outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.chunk import ChunkState, Outcome
from penstock.domain.envelopes import bad_message, field, optional_field
from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.identity import InferenceId
from penstock.domain.job import Job
from penstock.domain.legible import legible
from penstock.domain.locations import parse_answer_location
from penstock.domain.remedies import advised
from penstock.domain.trouble import GiveUp, Kind, Trouble, answer_trouble, inference_trouble
from penstock.ports import JobTable, ObjectRef, ObjectStore
from penstock.use_cases.accept_answer import LARGEST_RESPONSE, AcceptAnswer
from penstock.use_cases.after_failure import AfterFailure, error_outcome
from penstock.use_cases.exit import Exit
from penstock.use_cases.settle_chunk import SettleChunk

_LONGEST_MODEL_MESSAGE = 4096
_LONGEST = 1024
"""Characters that are kept of a text in a notification, which is kept with its chunk."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What of SageMaker's message matters here.

    `asked_at` is when SageMaker got the request that it has answered. What went wrong with a chunk
    of a transform job is known when the job has ended; collect_transform tells the `trouble`, and
    by the `pauses` which of the chunk's objects it is about: one attempt may have several.
    """

    inference_id: InferenceId
    completed: bool
    output_location: str
    content_type: str
    failure_reason: str
    asked_at: float | None = None
    trouble: Trouble | None = None
    pauses: int | None = None

    def is_of(self, state: ChunkState) -> bool:
        """Whether it is the chunk's attempt on record that has ended."""
        if state.attempt != self.inference_id.attempt:
            return False
        return self.pauses is None or state.message is None or state.message.pauses == self.pauses

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "Notification":
        """Raises PermanentError for the notification of somebody else's invocation.

        Also where a field is of a wrong type: `BadMessage`.
        """
        said = optional_field(document, "failureReason", str)
        answer = optional_field(document, "responseParameters", dict) or {}
        completed = optional_field(document, "invocationStatus", str) == "Completed"
        return cls(
            inference_id=InferenceId.parse(str(document.get("inferenceId"))),
            completed=completed,
            output_location=optional_field(answer, "outputLocation", str) or "",
            content_type=legible(optional_field(answer, "contentType", str) or "", _LONGEST),
            failure_reason=legible(said or "SageMaker gave no reason", _LONGEST),
            asked_at=_epoch(document.get("receivedTime")) if completed else None,
            trouble=_trouble(document),
            pauses=optional_field(document, "pauses", int),
        )


def _trouble(document: dict[str, Any]) -> Trouble | None:
    told = optional_field(document, "trouble", dict)
    if told is None:
        return None
    try:
        kind = Kind(field(told, "kind", str))
    except ValueError as error:
        raise bad_message(f"`trouble.kind` is {told['kind']!r:.80}") from error
    code, message = (legible(field(told, name, str), _LONGEST) for name in ("code", "message"))
    return Trouble(kind, code, message, of_records=told.get("of_records") is True)


def _epoch(time: Any) -> float | None:
    """None for what is no time: it says something of the endpoint, and nothing of the chunk."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class CollectResult:
    """Settles the chunk, or has it tried again. Late and repeated notifications change nothing."""

    objects: ObjectStore
    table: JobTable
    settle: SettleChunk
    after_failure: AfterFailure
    exit: Exit
    get_job: Callable[[str], Job | None]
    accept: AcceptAnswer
    now: Callable[[], float]
    work_bucket: str

    def __call__(self, document: dict[str, Any]) -> None:
        notification = Notification.parse(document)
        job = self.get_job(notification.inference_id.job_id)
        if job is None or job.status.terminal:
            return
        ends = self._completed if notification.completed else self._failed
        if ends(job, notification):
            self.exit.give_back(job, notification.inference_id.path, notification.asked_at)

    def _completed(self, job: Job, notification: Notification) -> bool:
        """Whether it is this that ends the attempt."""
        inference = notification.inference_id
        ref = self._answer_of(notification)
        try:
            outcome = self._checked(job, notification, ref)
        except PermanentError as error:
            return self._refuse(job, inference, error)
        # Noted first: who finds the chunk settled finds this, too.
        self.after_failure.probation.note_prediction(job)
        return self.settle(job.job_id, inference.path, inference.chunks, outcome)

    def _refuse(self, job: Job, inference: InferenceId, error: PermanentError) -> bool:
        """The answer is not one result per record."""
        trouble = answer_trouble(error.code, error.message)
        if trouble.of_records:
            state = self._state_of(job, inference)
            if state:
                self.after_failure(job, state, trouble)
            return state is not None
        reason = GiveUp(error.code, advised(error.code, error.message))
        outcome = error_outcome(reason, inference.attempt, self.now())
        return self.settle(job.job_id, inference.path, inference.chunks, outcome)

    def _answer_of(self, notification: Notification) -> ObjectRef:
        """Raises PermanentError: no answer of ours lies there, so none of ours is told of."""
        try:
            return ObjectRef(*parse_answer_location(notification.output_location, self.work_bucket))
        except PermanentError as error:
            message = f"{notification.inference_id}: {error.message}"
            raise PermanentError("ForeignInference", message) from error

    def _checked(self, job: Job, notification: Notification, ref: ObjectRef) -> Outcome:
        inference = notification.inference_id
        content_type = notification.content_type or job.pipeline.accept_of(job.source.key)
        body = self.objects.read(ref, limit=LARGEST_RESPONSE)
        self.accept.results(job, body, content_type, inference.results)
        return self.accept.outcome(inference, notification.output_location, content_type)

    def _failed(self, job: Job, notification: Notification) -> bool:
        inference = notification.inference_id
        state = self._state_of(job, inference)
        if state is None or not notification.is_of(state):
            return False
        trouble = notification.trouble or inference_trouble(
            notification.failure_reason, self._model_message(state)
        )
        if trouble.is_congestion:
            self.exit.refused(job, inference.path)
        self.after_failure(job, state, trouble)
        return True

    def _state_of(self, job: Job, inference: InferenceId) -> ChunkState | None:
        """None if the chunk is settled: then what follows is seen to.

        Raises:
            RetryableError: the invocation isn't recorded yet; once it is, its end makes sense.
        """
        state = self.table.get_chunk(job.job_id, inference.path)
        if state and state.outcome:
            self.settle.follow(job.job_id, state, inference.chunks)
            return None
        if state is None or not state.awaits(inference.attempt):
            raise RetryableError("AttemptUnknown", f"{inference} ended before it was recorded")
        return state

    def _model_message(self, state: ChunkState) -> str:
        """The model's own words, if the endpoint keeps them."""
        if not state.failure_location:
            return ""
        try:
            ref = ObjectRef(*parse_answer_location(state.failure_location, self.work_bucket))
            body = self.objects.read_range(ref, 0, _LONGEST_MODEL_MESSAGE)
        except PermanentError:
            return ""
        return body.decode("utf-8", "replace")
