"""What a dead letter was, told by its shape: each queue holds messages of a kind of its own."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from penstock.domain.envelopes import unwrapped
from penstock.domain.errors import PermanentError
from penstock.domain.transform_event import DETAIL_TYPE

Queue = Literal["upload", "split", "invoke", "transform", "result", "assemble"]


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


_BY_KIND: dict[str, Queue] = {
    "scan": "split",
    "emit": "split",
    "segment": "assemble",
    "finish": "assemble",
    "gather": "transform",
}
_BY_EVENT: dict[str, Queue] = {"Object Created": "upload", DETAIL_TYPE: "result"}


def _queue_of(document: dict[str, Any]) -> Queue | None:
    told = _BY_KIND.get(str(document.get("kind"))) or _BY_EVENT.get(
        str(document.get("detail-type"))
    )
    if told:
        return told
    if "first_record" in document:
        return "invoke"
    return "result" if "inferenceId" in document else None
