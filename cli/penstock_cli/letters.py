"""What a letter in a dead-letter queue is: all about it but its contents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.domain.chunk import ChunkMessage
from penstock.domain.dead_letters import DeadLetter
from penstock.domain.envelopes import field
from penstock.domain.errors import PermanentError
from penstock.domain.transform_event import TransformEvent
from penstock.domain.transform_job import place_of
from penstock.use_cases.accept_upload import Upload
from penstock.use_cases.collect_result import Notification


@dataclass(frozen=True, slots=True)
class Subject:
    """`path` is that of a chunk or segment, the number of a region, or the key of an upload."""

    kind: str
    job_id: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """`receives` counts looks, too. `sent_at` is in epoch seconds, `size` in bytes."""

    message_id: str
    subject: Subject
    receives: int
    sent_at: float
    size: int


FOREIGN = Subject("foreign")
"""Nobody here wrote it."""


def letter_of(message: Mapping[str, Any]) -> Letter:
    """Of a message that was received with all of its attributes."""
    attributes = message.get("Attributes", {})
    return Letter(
        message_id=message["MessageId"],
        subject=subject_of(message["Body"]),
        receives=int(attributes.get("ApproximateReceiveCount", 0)),
        sent_at=int(attributes.get("SentTimestamp", 0)) / 1000,
        size=len(message["Body"].encode("utf-8", "surrogatepass")),
    )


def subject_of(body: str) -> Subject:
    letter = DeadLetter.parse(body)
    try:
        return _subject_of(letter)
    except PermanentError:
        return FOREIGN


def _subject_of(letter: DeadLetter) -> Subject:
    document = letter.document
    match letter.queue:
        case "upload":
            upload = Upload.from_event(document)
            return Subject("upload", upload.job_id, upload.source.key)
        case "invoke":
            chunk = ChunkMessage.from_json(document)
            return Subject("chunk", chunk.job_id, str(chunk.path))
        case "result":
            return _result(document)
        case "split" | "assemble" | "transform":
            kind = field(document, "kind", str)
            return Subject(kind, field(document, "job_id", str), _part(kind, document))
        case None:
            return FOREIGN


def _result(document: dict[str, Any]) -> Subject:
    """A chunk's, or the end of a transform job."""
    if "detail-type" in document:
        name = TransformEvent.parse(document).name
        return Subject("event", place_of(name)[0], name)
    inference = Notification.parse(document).inference_id
    return Subject("result", inference.job_id, str(inference.path))


def _part(kind: str, document: dict[str, Any]) -> str | None:
    """Which part of its job a message is about; None if about all of it."""
    match kind:
        case "scan":
            return f"region {field(document, 'region', int)}"
        case "emit":
            return f"region {field(document, 'region.index', int)}"
        case "segment":
            return f"{field(document, 'segment', int):05d}"
        case "gather":
            return f"group {field(document, 'group', int)}"
    return None
