"""Which chunks of a group go into the next transform job, and when.

A transform job takes minutes to start, so that chunks wait for others. Nobody can tell for sure
whether more will come: one may be backing off, or be held, or its message may be lost. So a look
is taken every now and then, and when nothing has come since the last one, those that are there go.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from penstock.domain.chunk import ChunkMessage, ChunkState
from penstock.domain.transform_job import Stage, TransformJob, member_of
from penstock.domain.transform_trouble import FREE_ROUNDS


@dataclass(slots=True)
class Look:
    """The chunks of a group that have no outcome.

    `ready` are those of which the object is in no transform job, by its name. `pending`: there are
    chunks that may still become ready. `told` are those whose transform job has ended, and which
    were told so.
    """

    ready: dict[str, ChunkMessage] = field(default_factory=dict)
    pending: bool = False
    told: list[tuple[ChunkState, TransformJob]] = field(default_factory=list)

    def note(self, states: Iterable[ChunkState], places: Mapping[str, TransformJob]) -> None:
        """`places` says which object went into which transform job."""
        for state in states:
            if state.outcome is None:
                self._note(state, places)

    def _note(self, state: ChunkState, places: Mapping[str, TransformJob]) -> None:
        member = member_of(state)
        transform = places.get(member) if member else None
        if member and state.message and transform is None:
            self.ready[member] = state.message
        elif transform is None or transform.stage is Stage.COLLECTED:
            self.pending = True
            if transform:
                self.told.append((state, transform))


APART = 12
"""Records in transform jobs of their own: each takes instances, of which a new account has four."""


def shares(ready: Mapping[str, ChunkMessage], most: int, number: int) -> list[list[str]]:
    """Which objects go into a transform job together, at most so many.

    A record that failed although it was alone in its object is tried again without others, while
    such records are few: then it is known what SageMaker's reason is about, and that no other
    record has taken the model server down with it.

    What a job that broke down may not have come to is spread over two jobs, then four, and so on.
    The first job of a group has its objects in the order of the input, each further `number` in
    another: what stood behind a record that no container survives will stand before it.
    """
    apart = [name for name, chunk in ready.items() if chunk.attempt > 1 and chunk.records == 1]
    if len(apart) > APART:
        apart = []
    rest = sorted(ready.keys() - set(apart))
    if number:
        rest.sort(key=lambda name: hashlib.sha256(f"{number} {name}".encode()).digest())
    rounds = max((_rounds(ready[name]) for name in rest), default=0)
    size = min(most, -(-len(rest) // min(2**rounds, APART))) or most
    together = [rest[start : start + size] for start in range(0, len(rest), size)]
    return together + [[name] for name in sorted(apart)]


def _rounds(chunk: ChunkMessage) -> int:
    """How often it was in a job that broke down. The pauses of a chunk that was held are others."""
    return 0 if chunk.held is not None else min(chunk.pauses, FREE_ROUNDS)


class Next(Enum):
    """What follows from a look."""

    NOTHING = "nothing"
    WAIT = "wait"
    START = "start"


def what_next(look: Look, seen: int | None) -> Next:
    """`seen` is how many were ready at the last look; None at the first."""
    if not look.ready:
        return Next.NOTHING
    return Next.WAIT if look.pending and seen != len(look.ready) else Next.START
