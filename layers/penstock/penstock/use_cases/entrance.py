"""Permits for the chunks of one batch: taken in one lot, given back if they aren't used."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition
from typing import Any

from penstock.domain.admission import (
    Ahead,
    Lane,
    granted,
    next_turn,
    prospect,
    room,
    tag_of,
    waiting_time,
)
from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import PenstockError, PermanentError
from penstock.domain.job import Job
from penstock.ports import Change, Journal, Queues
from penstock.use_cases.lanes import Lanes
from penstock.use_cases.permits import Lot, Permit

Key = tuple[str, int]
"""A job, and the number of a lane of its endpoint."""


@dataclass(slots=True)
class Batch:
    """Messages that came together."""

    expected: Counter[Key] = field(default_factory=Counter)
    lots: dict[Key, Lot] = field(default_factory=dict)
    later: defaultdict[str, list[tuple[ChunkMessage, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    refusing: set[Lane] = field(default_factory=set)
    accepting: set[Lane] = field(default_factory=set)


@dataclass(slots=True)
class Entrance:
    """Where chunks get their permits. Within a batch it may be used by several threads."""

    lanes: Lanes
    queues: Queues
    journal: Journal
    now: Callable[[], float]
    uniform: Callable[[float, float], float]
    _batch: Batch = field(default_factory=Batch)
    _changed: Condition = field(default_factory=Condition)

    @contextmanager
    def batch(self, messages: Iterable[Any]) -> Iterator[None]:
        """Around the work on these messages. Chunks without a permit are sent again at its end."""
        outer, self._batch = self._batch, Batch()
        try:
            self._batch.expected.update(self._key(chunk) for chunk in _chunks(messages))
            yield
            self._send_later()
        finally:
            batch, self._batch = self._batch, outer
            self._close(batch)

    @contextmanager
    def permit(
        self, job: Job, chunk: ChunkMessage, *, inherits: bool = False
    ) -> Iterator[Permit | None]:
        """A permit that is put back afterwards, unless it was kept or handed on.

        None if there is none, and none of the batch's comes back soon.

        Args:
            inherits: whoever was at this very attempt has died, and their permit is still out. If
                there is no other, it is taken over: else ten such chunks might wait for each other.
        """
        with self._changed:
            lot = self._lot(job, chunk)
            has_one = self._has_one(lot, chunk)
            lot.free -= has_one
            permit = Permit(lot, self._changed) if has_one or inherits else None
        try:
            yield permit
        finally:
            if permit:
                self._end(permit)

    def turn_away(self, job: Job, chunk: ChunkMessage) -> None:
        """Has the chunk ask again, later."""
        with self._changed:
            ceiling = self._waiting_time(job, chunk, self._lot(job, chunk).lane)
        self.come_back(chunk, next_turn(ceiling, job.deadline_at - self.now(), self.uniform))

    def come_back(self, chunk: ChunkMessage, delay: int) -> None:
        """Has the chunk ask again after so many seconds."""
        with self._changed:
            self._batch.later[chunk.job_id].append((chunk.turned_away(), delay))

    def refused(self, job: Job, chunk: ChunkMessage) -> None:
        """The endpoint had no room for the chunk."""
        with self._changed:
            lot = self._lot(job, chunk)
            lot.closed = True
            self._batch.refusing.add(lot.lane.first)
            self._changed.notify_all()

    def _end(self, permit: Permit) -> None:
        if not permit.kept:
            permit.put_back()
        elif permit.lot.recovers:
            with self._changed:
                self._batch.accepting.add(permit.lot.lane.first)

    def _has_one(self, lot: Lot, chunk: ChunkMessage) -> bool:
        # Another attempt always tries: the sweep would take the wait for an answer that is lost.
        tries = chunk.attempt > 1
        if lot.closed and not tries:
            return False
        if not lot.free and chunk.was_sent:
            self._take(lot, 1, again=True)
        if not lot.free:
            lot.await_free(self._changed)
        return lot.free > 0 and (tries or not lot.closed)

    def _key(self, chunk: ChunkMessage) -> Key:
        return chunk.job_id, self.lanes.number_of(chunk.path)

    def _lot(self, job: Job, chunk: ChunkMessage) -> Lot:
        key = self._key(chunk)
        if key not in self._batch.lots:
            lane, wanted = self.lanes.of(job, chunk.path), max(1, self._batch.expected[key])
            pace, tag = self.lanes.pace(lane), tag_of(job.job_id)
            closed = pace.is_closed(self.now())
            lot = Lot(lane, tag, closed=closed, recovers=pace.recovers)
            self._batch.lots[key] = lot
            if not closed:
                self._take(lot, wanted, again=False)
        return self._batch.lots[key]

    def _take(self, lot: Lot, wanted: int, *, again: bool) -> None:
        limit = self.lanes.limit(lot.lane)
        asked = min(wanted, room(self.lanes.look(lot.lane), limit, lot.tag, again=again))
        if asked:
            after = self.lanes.count(lot.lane, lot.tag, self._change(asked))
            limit = self.lanes.limit(lot.lane)  # somebody may just have halved it
            got = granted(after, limit, lot.tag, asked, again=again)
            lot.free += got
            lot.surplus += asked - got

    def _waiting_time(self, job: Job, chunk: ChunkMessage, lane: Lane) -> float:
        pace, seen, tag = self.lanes.pace(lane), self.lanes.look(lane), tag_of(job.job_id)
        chunks = job.totals.chunks if job.totals else 0
        backlog = max(1, chunks // lane.lanes - seen.share(tag).sent)
        highest = pace.highest(self.lanes.cap, self.now()) / lane.lanes
        permits = prospect(seen, highest, tag)
        idle = max(seen.idle(self.now()), pace.storm)
        ahead = Ahead(permits, pace.latency, backlog, idle)
        return waiting_time(ahead, chunk.turns)

    def _send_later(self) -> None:
        for job_id, messages in self._batch.later.items():
            self.queues.invoke_later(job_id, messages)
            longest = max(delay for _, delay in messages)
            self.journal("ChunksTurnedAway", job_id=job_id, chunks=len(messages), longest=longest)

    def _close(self, batch: Batch) -> None:
        try:
            for lot in batch.lots.values():
                self._give_back(lot)
            for lane in batch.accepting - batch.refusing:
                self.lanes.speed_up(lane)
            for lane in batch.refusing:
                self.lanes.slow_down(lane)
        except PenstockError as error:
            # The chunks are sent; what is not given back is found by the sweep.
            self.journal("PermitsLost", code=error.code, reason=error.message)

    def _give_back(self, lot: Lot) -> None:
        unused = lot.free + lot.surplus
        if unused:
            self.lanes.count(lot.lane, lot.tag, self._change(-unused))

    def _change(self, permits: int) -> Change:
        return Change(at=self.now(), held=permits, sent=permits)


def _chunks(messages: Iterable[Any]) -> Iterator[ChunkMessage]:
    """Those that are chunks; whoever handles the others will say why they aren't."""
    for message in messages:
        try:
            yield ChunkMessage.from_json(message)
        except PermanentError:
            continue
