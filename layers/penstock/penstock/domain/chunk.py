"""One chunk on its way to an outcome."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from penstock.domain.identity import ChunkPath


@dataclass(frozen=True, slots=True)
class ChunkMessage:
    """The claim check that travels through InvokeQueue: where the records lie, not what they are.

    `[start, end)` are bytes of the input. `attempt` counts from 1. `pauses` counts the times that
    the model had no room, which cost no attempt. `hops` counts every send: a message that goes
    round for ever is caught by it, since the queue's own receive count starts anew each time.
    """

    job_id: str
    segment: int
    chunk: int
    start: int
    end: int
    records: int
    first_record: int
    chunks: int
    bits: str = ""
    attempt: int = 1
    pauses: int = 0
    hops: int = 0

    @property
    def path(self) -> ChunkPath:
        return ChunkPath(self.segment, self.chunk, self.bits)

    def next_attempt(self) -> "ChunkMessage":
        return replace(self, attempt=self.attempt + 1, pauses=0, hops=self.hops + 1)

    def paused(self) -> "ChunkMessage":
        return replace(self, pauses=self.pauses + 1, hops=self.hops + 1)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ChunkMessage":
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What settled a chunk: the model's answer where it lies, or one error for all its records.

    `rejected` records were refused before the model saw them; the answer owes nothing for them.
    """

    kind: Literal["predictions", "errors"]
    attempts: int
    settled_at: float
    location: str | None = None
    content_type: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ChunkState:
    """The chunk item: the attempt in flight, and the outcome once there is one.

    `message` is missing while a result has overtaken the record of its own invocation.
    """

    path: ChunkPath
    message: ChunkMessage | None = None
    rejected: int = 0
    inference_id: str | None = None
    output_location: str | None = None
    failure_location: str | None = None
    invoked_at: float | None = None
    outcome: Outcome | None = None

    @property
    def attempt(self) -> int:
        return self.message.attempt if self.message else 0

    def awaits(self, attempt: int) -> bool:
        """Whether the given attempt, or a later one, was sent to the model and is on record."""
        return self.inference_id is not None and self.attempt >= attempt

    def has_sent(self, message: ChunkMessage) -> bool:
        """Whether this very message, or a later one, reached the model and that is on record.

        A model that is busy is sent the same attempt again after a pause.
        """
        if self.message is None or self.inference_id is None:
            return False
        recorded = (self.message.attempt, self.message.pauses)
        return recorded >= (message.attempt, message.pauses)
