"""EventBridge's word about a transform job."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from penstock.domain.envelopes import bad_message, field, optional_field
from penstock.domain.legible import legible
from penstock.domain.transform_job import Report, Status

DETAIL_TYPE = "SageMaker Transform Job State Change"

_LONGEST_REASON = 1024


@dataclass(frozen=True, slots=True)
class TransformEvent:
    """Comes at least once for a change of state, and in any order."""

    name: str
    report: Report

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "TransformEvent":
        """Raises PermanentError `BadMessage`."""
        detail = field(document, "detail", dict)
        reason = optional_field(detail, "FailureReason", str)
        report = Report(
            status=_status(field(detail, "TransformJobStatus", str)),
            reason=legible(reason, _LONGEST_REASON) if reason else None,
            started_at=epoch(detail.get("TransformStartTime")),
            ended_at=epoch(detail.get("TransformEndTime")),
        )
        return cls(field(detail, "TransformJobName", str), report)


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError as error:
        raise bad_message(f"`detail.TransformJobStatus` is {text!r:.80}") from error


def epoch(moment: Any) -> float | None:
    """Seconds of milliseconds, of the same as text, or of ISO 8601: all of them are seen.

    None for what is no time: it only tells what was billed.
    """
    try:
        return float(moment) / 1000
    except (TypeError, ValueError):
        pass
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
