"""What a transform job left undone, and what follows for the chunks that have no output."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from penstock.domain.errors import PenstockError
from penstock.domain.identity import InferenceId
from penstock.domain.transform_job import Report, Status
from penstock.domain.trouble import NOT_REACHED, Kind, Trouble, call_trouble

_STARTING_UP = re.compile(
    r"\bping\b|health check|model data|model artifact|\bimage\b|\bECR\b|download|"
    r"not authorized|access ?denied|permission|\brole\b|capacity",
    re.IGNORECASE,
)
"""Reasons of jobs that never came to a record. SageMaker documents none of its texts; of records it
says "See job logs"."""

MODEL_ERROR = "ModelError"
_NONE_OF_THIS_TYPE = re.compile(r"is 0 Instances", re.IGNORECASE)
_WAITS = frozenset({"ResourceLimitExceeded", "ResourceLimitExceededException"})


def creation_trouble(code: str, status: int, message: str) -> Trouble:
    """Classes the error of CreateTransformJob.

    A quota that is used up is waited for, one that is nothing would be waited for in vain.
    """
    if code in _WAITS:
        never = _NONE_OF_THIS_TYPE.search(message)
        return Trouble(Kind.PERMANENT if never else Kind.UNAVAILABLE, code, message)
    trouble = call_trouble(code, status, message)
    return Trouble(trouble.kind, code, message)


def missing_output(report: Report, *, any_output: bool) -> Trouble:
    """Why a chunk has no output. That the job failed says nothing of the others.

    SageMaker has repeated the request itself where that made sense: a model that refused it will
    refuse it again.
    """
    reason = report.reason or f"the transform job ended {report.status} without an output for it"
    match report.status:
        case Status.REFUSED:
            return Trouble(Kind.PERMANENT, report.code or "TransformFailed", reason)
        case Status.STOPPED:
            return Trouble(Kind.RETRYABLE, "TransformStopped", "the transform job was stopped")
        case Status.COMPLETED:
            return Trouble(Kind.RETRYABLE, "OutputMissing", reason, of_records=True)
    began = report.started_at is not None
    if not any_output and not (began and not _STARTING_UP.search(reason)):
        return Trouble(Kind.PERMANENT, "TransformFailed", reason)
    if reason.startswith("ClientError"):
        return Trouble(Kind.PERMANENT, MODEL_ERROR, reason, of_records=True)
    return Trouble(Kind.RETRYABLE, MODEL_ERROR, reason, of_records=True)


FREE_ROUNDS = 4
"""Transform jobs that may come to nothing at all before that costs their objects an attempt. Each
round has twice as many jobs of half the size, up to `gathering.APART`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the objects of a transform job that failed say of one another.

    SageMaker gives one reason for all. Where one was refused, another may have failed of something
    that passes, such as a model server that died. `recovered`: that has been so, as one that had
    failed before has an output now. Where the job broke down, it may not have come to most of them;
    `outputs` is how many have one.
    """

    missing: int
    recovered: bool
    outputs: int

    @classmethod
    def of(cls, members: Mapping[str, InferenceId], outputs: Collection[str]) -> "Evidence":
        """`members` are the objects by their names, of which those in `outputs` have one."""
        missing = sum(name not in outputs for name in members)
        again = (name for name, inference in members.items() if inference.attempt > 1)
        recovered = any(name in outputs for name in again)
        return cls(missing, recovered, outputs=len(members) - missing)

    def leaves_doubt(self, inference: InferenceId) -> bool:
        """Whether a record may not be what the reason is about. Several records are halved anyway.

        It is if no other object failed; and if it fails again, as all do that are tried again.
        """
        if inference.results > 1 or self.missing == 1:
            return False
        return inference.attempt == 1 or self.recovered

    def spares(self, inference: InferenceId, pauses: int, *, predicted: bool) -> bool:
        """Whether an object without an output need not pay for a breakdown with an attempt.

        It did if it was the only one. If there are outputs, fewer objects are left each time; if
        there are none, each time they are spread over more jobs, as long as that is worth it: the
        model has `predicted` others, and is not simply broken.

        Args:
            pauses: how often the attempt was repeated for such reasons.
        """
        if self.missing == 1:
            return False
        return self.outputs > 0 or (predicted and inference.attempt == 1 and pauses < FREE_ROUNDS)


def is_breakdown(trouble: Trouble) -> bool:
    """Whether the transform job ended before its time: one of its records may be the reason."""
    return trouble.kind is Kind.RETRYABLE and trouble.code == MODEL_ERROR


def spared(trouble: Trouble) -> Trouble:
    """The same, at no cost in attempts."""
    return Trouble(Kind.UNAVAILABLE, NOT_REACHED, trouble.message)


def doubted(trouble: Trouble) -> Trouble:
    """The same, but it may pass with another attempt."""
    return replace(trouble, kind=Kind.RETRYABLE) if trouble.of_records else trouble


class CreationError(PenstockError):
    """A transform job could not be created."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code, trouble.message)
        self.trouble = trouble
