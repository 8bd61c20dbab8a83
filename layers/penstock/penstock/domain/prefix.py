"""How far an output is known while its job runs."""

from collections.abc import Iterable, Mapping
from itertools import count

from penstock.domain.chunk import ChunkState
from penstock.domain.identity import ChunkPath


def leading_chunks(segment: int, states: Iterable[ChunkState]) -> list[ChunkState]:
    """The chunks of one segment whose lines are known, from its first to one that is not settled.

    In the place of a bisected chunk stand its halves.
    """
    known = {state.path: state for state in states}
    found: list[ChunkState] = []
    for number in count():
        if not _take(ChunkPath(segment, number), known, found):
            return found
    raise AssertionError("no end to a segment")


def _take(path: ChunkPath, known: Mapping[ChunkPath, ChunkState], found: list[ChunkState]) -> bool:
    """Adds what of the chunk is known; whether that is all of it."""
    state = known.get(path)
    # Without a message it isn't known which records the outcome is of.
    if state is None or state.message is None or state.outcome is None:
        return False
    if state.bisected:
        return _take(path.half(0), known, found) and _take(path.half(1), known, found)
    found.append(state)
    return True
