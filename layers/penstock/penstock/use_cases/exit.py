"""Where permits are given back: in one lot for all results that come in one batch."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from penstock.domain.admission import Lane, Occupancy, is_busy, tag_of
from penstock.domain.errors import PenstockError
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job
from penstock.domain.pacing import Pace, Round, after_round, first_pace
from penstock.ports import Change, Journal
from penstock.use_cases.lanes import Lanes

LONGEST_LATENCY = 12 * 3600.0
"""Seconds. SageMaker keeps a request for seven hours; what is older is a clock that is wrong."""


@dataclass(frozen=True, slots=True)
class End:
    """Of an attempt: when SageMaker got the request if it has answered; who has the permit now."""

    asked_at: float | None
    handed_on: bool


@dataclass(slots=True)
class Batch:
    """Results that came together: when SageMaker got the requests, and who refused some."""

    ended: defaultdict[tuple[Lane, str], list[End]] = field(
        default_factory=lambda: defaultdict(list)
    )
    refusing: set[Lane] = field(default_factory=set)


@dataclass(slots=True)
class Exit:
    """Notes which attempts have ended. Within a batch it may be used by several threads."""

    lanes: Lanes
    journal: Journal
    now: Callable[[], float]
    _batch: Batch = field(default_factory=Batch)

    @contextmanager
    def batch(self, _messages: Iterable[Any] = ()) -> Iterator[None]:
        """Around the work on some results. Permits are given back at its end, whatever happens."""
        outer, self._batch = self._batch, Batch()
        try:
            yield
        finally:
            batch, self._batch = self._batch, outer
            self._close(batch)

    def give_back(
        self, job: Job, path: ChunkPath, asked_at: float | None, *, handed_on: bool = False
    ) -> None:
        """One attempt has ended.

        Args:
            asked_at: when SageMaker got a request that it has answered.
            handed_on: its permit is that of another attempt now.
        """
        if job.pipeline.invoke.transform:
            return  # It had no permit.
        key = self.lanes.of(job, path), tag_of(job.job_id)
        self._batch.ended[key].append(End(asked_at, handed_on))

    def refused(self, job: Job, path: ChunkPath) -> None:
        """The model had no room for the chunk."""
        self._batch.refusing.add(self.lanes.of(job, path).first)

    def _close(self, batch: Batch) -> None:
        try:
            for (lane, tag), ends in batch.ended.items():
                self._give_back(lane, tag, ends)
            for lane in batch.refusing:
                self.lanes.slow_down(lane)
        except PenstockError as error:
            # The chunks are settled; what is not given back is found by the sweep.
            self.journal("PermitsLost", code=error.code, reason=error.message)

    def _give_back(self, lane: Lane, tag: str, ends: list[End]) -> None:
        pace = self.lanes.pace(lane)
        requests = [each.asked_at for each in ends if each.asked_at is not None]
        handed_on = sum(each.handed_on for each in ends)
        change = Change(
            at=self.now(),
            held=handed_on - len(ends),
            sent=handed_on,
            answered=self._answered(lane, pace, requests),
            number=pace.number,
        )
        after = self.lanes.count(lane, tag, change)
        if lane == lane.first and change.answered:
            self._next_round(lane, after)

    def _answered(self, lane: Lane, pace: Pace, requests: list[float]) -> Round | None:
        """What the requests say of the limit: nothing if they are older, or if it wasn't reached.

        One lane stands for all: its chunks are chosen without regard to anything.
        """
        held = self.lanes.look(lane).held
        if lane != lane.first or not is_busy(held, self.lanes.limit(lane)):
            return None
        now = self.now()
        latencies = [now - asked_at for asked_at in requests if pace.since <= asked_at <= now]
        latencies = [each for each in latencies if each <= LONGEST_LATENCY]
        count = len(latencies)
        return Round(count, sum(latencies), held * count) if latencies else None

    def _next_round(self, lane: Lane, after: Occupancy) -> None:
        cap = self.lanes.cap
        pace = after.pace or first_pace(cap)
        if after.answered.complete(pace.limit / lane.lanes, recovers=pace.recovers):
            self.lanes.change_pace(lane, after_round(pace, after.answered, self.now(), cap))
