"""The lanes of the endpoints, as one function knows them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from penstock.domain.admission import (
    Lane,
    Occupancy,
    lane_number,
    lanes_of,
    silent,
    tag_of,
)
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job
from penstock.domain.pacing import Pace, after_acceptance, after_refusal, first_pace
from penstock.ports import Admissions, Change, Journal

MEMORY = 0.2
"""Seconds that a function trusts its memory of a lane."""


@dataclass(slots=True)
class Lanes:
    """Reads a lane when it has to: whatever it writes answers with the lane as it is."""

    admissions: Admissions
    journal: Journal
    now: Callable[[], float]
    cap: int
    _known: dict[Lane, tuple[float, Occupancy]] = field(default_factory=dict)

    def number_of(self, path: ChunkPath) -> int:
        return lane_number(path, lanes_of(self.cap))

    def of(self, job: Job, path: ChunkPath) -> Lane:
        return self.all_of(job)[self.number_of(path)]

    def all_of(self, job: Job) -> list[Lane]:
        """None of a job that calls no endpoint."""
        lanes = 0 if job.pipeline.invoke.transform else lanes_of(self.cap)
        return [Lane(job.pipeline.invoke.endpoint, number, lanes) for number in range(lanes)]

    def look(self, lane: Lane) -> Occupancy:
        at, known = self._known.get(lane, (0.0, Occupancy()))
        return known if self.now() < at + MEMORY else self.fresh(lane)

    def fresh(self, lane: Lane) -> Occupancy:
        return self._remember(lane, self._without_silent(lane, self.admissions.read(lane)))

    def pace(self, lane: Lane) -> Pace:
        pace = self.look(lane.first).pace or first_pace(self.cap)
        return pace if pace.limit <= self.cap else replace(pace, limit=self.cap)

    def limit(self, lane: Lane) -> float:
        return self.pace(lane).limit / lane.lanes

    def count(self, lane: Lane, tag: str, change: Change) -> Occupancy:
        after = self._remember(lane, self.admissions.count(lane, tag, change))
        share = after.share(tag)
        if share.held < 0:
            # Something was given back twice. What is held from now on must not be offset by it.
            self.admissions.forget(lane, tag, share)
        return after

    def forget(self, job: Job) -> None:
        """The job has ended."""
        for lane in self.all_of(job):
            self.admissions.forget(lane, tag_of(job.job_id))

    def slow_down(self, lane: Lane) -> None:
        """The endpoint has refused something."""
        pace = self.pace(lane)
        slower = after_refusal(pace, self.now())
        if slower != pace:
            self.change_pace(lane, slower)

    def speed_up(self, lane: Lane) -> None:
        """The endpoint takes calls again."""
        pace = self.pace(lane)
        faster = after_acceptance(pace, self.now())
        if faster != pace:
            self.change_pace(lane, faster)

    def change_pace(self, lane: Lane, pace: Pace) -> None:
        """Nothing happens if somebody else was first."""
        self._known.pop(lane.first, None)
        if self.admissions.put_pace(lane.first, pace):
            self.journal("LimitSet", endpoint=lane.endpoint, limit=pace.limit, latency=pace.latency)

    def _without_silent(self, lane: Lane, found: Occupancy) -> Occupancy:
        latency = found.pace.latency if found.pace else None
        gone = dict(silent(found, latency, self.now()))
        if not gone:
            return found
        for tag, share in gone.items():
            self.admissions.forget(lane, tag, share)
        shares = {tag: share for tag, share in found.shares.items() if tag not in gone}
        return replace(found, shares=shares)

    def _remember(self, lane: Lane, occupancy: Occupancy) -> Occupancy:
        self._known[lane] = (self.now(), occupancy)
        return occupancy
