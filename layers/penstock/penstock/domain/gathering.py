"""Which chunks of a group go into the next transform job, and when.

A transform job takes minutes to start, so that chunks wait for others. Nobody can tell for sure
whether more will come: one may be backing off, or be held, or its message may be lost. So a look
is taken every now and then, and when nothing has come since the last one, those that are there go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from penstock.domain.chunk import ChunkMessage, ChunkState
from penstock.domain.transform_job import Stage, TransformJob, member_of


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


def shares(ready: Mapping[str, ChunkMessage], most: int) -> list[list[str]]:
    """Which objects go into a transform job together, at most so many.

    A record that failed although it was alone in its object is tried again without others, while
    such records are few: then it is known what SageMaker's reason is about, and that no other
    record has taken the model server down with it.
    """
    apart = [name for name, chunk in ready.items() if chunk.attempt > 1 and chunk.records == 1]
    if len(apart) > APART:
        apart = []
    rest = sorted(ready.keys() - set(apart))
    together = [rest[start : start + most] for start in range(0, len(rest), most)]
    return together + [[name] for name in sorted(apart)]


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
