"""One chunk on its way to an outcome."""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_type_hints

from penstock.domain.envelopes import bad_message
from penstock.domain.identity import ChunkPath


@dataclass(frozen=True, slots=True)
class ChunkMessage:
    """The claim check that travels through InvokeQueue: where the records lie, not what they are.

    `[start, end)` are bytes of the input. `attempt` counts from 1. `pauses` counts the times that
    the model had no room, which cost no attempt. `hops` counts every send: a message that goes
    round for ever is caught by it, since the queue's own receive count starts anew each time.
    `held` chunks wait until the model has predicted something since that time, in epoch seconds.
    A `suspect` is part of a chunk that used up its attempts: unless it is a single record, it gets
    one attempt only. `turns` counts the times that it got no permit (`domain/admission.py`).
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
    held: float | None = None
    suspect: bool = False
    turns: int = 0

    @property
    def path(self) -> ChunkPath:
        return ChunkPath(self.segment, self.chunk, self.bits)

    @property
    def was_sent(self) -> bool:
        """Whether the model has had the chunk before, or has had no room for it."""
        return self.attempt > 1 or self.pauses > 0

    def next_attempt(self) -> "ChunkMessage":
        return replace(self, attempt=self.attempt + 1, pauses=0, hops=self.hops + 1, held=None)

    def paused(self) -> "ChunkMessage":
        return replace(self, pauses=self.pauses + 1, hops=self.hops + 1)

    def turned_away(self) -> "ChunkMessage":
        """The same attempt, later: unlike a pause it tells nothing of the model."""
        return replace(self, turns=self.turns + 1, hops=self.hops + 1)

    def held_since(self, since: float) -> "ChunkMessage":
        return replace(self.paused(), held=since)

    def to_json(self) -> dict[str, Any]:
        # Its fields are plain values: `asdict`, which copies deeply, takes ten times as long.
        return {name: getattr(self, name) for name in _KINDS}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ChunkMessage":
        """Raises PermanentError `BadMessage`: it is none."""
        try:
            chunk = cls(**document)
        except TypeError as error:
            raise bad_message(f"the message is no chunk: {error}") from error
        wrong = [name for name, value in document.items() if not isinstance(value, _KINDS[name])]
        if wrong:
            names = ", ".join(f"`{name}`" for name in wrong)
            raise bad_message(f"the message is no chunk: {names} of a wrong type")
        return chunk


_KINDS = get_type_hints(ChunkMessage)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What settled a chunk: the model's answer where it lies, or one error for all its records.

    `unfinished` errors tell that the job ended before the chunk's turn. A `bisected` chunk has two
    halves in its place, whose outcomes count: the second begins at byte `middle` of the input, and
    `suspect` and `held` are those of their messages. `variant` is the production variant that has
    answered, where SageMaker tells.
    """

    kind: Literal["predictions", "errors", "bisected"]
    attempts: int
    settled_at: float
    location: str | None = None
    content_type: str | None = None
    code: str | None = None
    message: str | None = None
    unfinished: bool = False
    middle: int | None = None
    suspect: bool = False
    held: float | None = None
    variant: str | None = None


def halves(chunk: ChunkMessage, outcome: Outcome) -> tuple[ChunkMessage, ChunkMessage]:
    """The chunks in the place of a bisected one. Of an odd number the second has one more record.

    Only the second may have to wait: what becomes of the first decides about it.
    """
    middle, first = outcome.middle, chunk.records // 2
    if middle is None:
        raise ValueError(f"chunk {chunk.path} was not bisected")
    fresh = replace(
        chunk, attempt=1, pauses=0, hops=chunk.hops + 1, held=None, suspect=outcome.suspect
    )
    return (
        replace(fresh, bits=chunk.bits + "0", end=middle, records=first),
        replace(
            fresh,
            bits=chunk.bits + "1",
            start=middle,
            records=chunk.records - first,
            first_record=chunk.first_record + first,
            held=outcome.held,
        ),
    )


@dataclass(frozen=True, slots=True)
class ChunkState:
    """The chunk item: the attempt in flight, and the outcome once there is one.

    `message` is missing while a result has overtaken the record of its own invocation. `holds` is
    the number of pauses of the last message that was held: of two copies one goes on.
    """

    path: ChunkPath
    message: ChunkMessage | None = None
    rejected: int = 0
    inference_id: str | None = None
    output_location: str | None = None
    failure_location: str | None = None
    invoked_at: float | None = None
    outcome: Outcome | None = None
    holds: int = 0

    @property
    def attempt(self) -> int:
        return self.message.attempt if self.message else 0

    @property
    def bisected(self) -> bool:
        return self.outcome is not None and self.outcome.kind == "bisected"

    def awaits(self, attempt: int) -> bool:
        """Whether the given attempt, or a later one, was sent to the model and is on record."""
        return self.inference_id is not None and self.attempt >= attempt

    def has_held(self, message: ChunkMessage) -> bool:
        """Whether a later one of the messages that are held is under way."""
        return message.held is not None and self.holds > message.pauses

    def has_sent(self, message: ChunkMessage) -> bool:
        """Whether this very message, or a later one, reached the model and that is on record.

        A model that is busy is sent the same attempt again after a pause.
        """
        if self.message is None or self.inference_id is None:
            return False
        return _place(self.message) >= _place(message)

    def is_of(self, message: ChunkMessage) -> bool:
        """Whether it is this very message, or a copy, that the record of the attempt is of."""
        return self.message is not None and _place(self.message) == _place(message)


def _place(message: ChunkMessage) -> tuple[int, int]:
    """Among the messages of one chunk, as a later one comes after an earlier one."""
    return message.attempt, message.pauses
