"""What a dead letter was, told by its shape: the five queues hold five kinds of messages."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from penstock.domain.envelopes import unwrapped
from penstock.domain.errors import PermanentError

Queue = Literal["upload", "split", "invoke", "result", "assemble"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`queue` is None if nobody here has written it. The digest stands for the body in logs."""

    queue: Queue | None
    document: dict[str, Any]
    sha256: str
    size: int

    @classmethod
    def parse(cls, body: str) -> "DeadLetter":
        data = body.encode("utf-8", "surrogatepass")
        document = _document(body)
        return cls(_queue_of(document), document, hashlib.sha256(data).hexdigest(), len(data))


def _document(body: str) -> dict[str, Any]:
    """Empty if there is none."""
    try:
        return unwrapped(body)
    except PermanentError:
        return {}


def _queue_of(document: dict[str, Any]) -> Queue | None:
    if document.get("kind") in ("scan", "emit"):
        return "split"
    if document.get("kind") in ("segment", "finish"):
        return "assemble"
    if document.get("detail-type") == "Object Created":
        return "upload"
    if "first_record" in document:
        return "invoke"
    return "result" if "inferenceId" in document else None
