"""Permits of functions that died, and of notifications that were lost, are given back."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from penstock.domain.admission import Lane, Share, lost, tag_of
from penstock.domain.chunk import ChunkState
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job
from penstock.ports import Change, Journal
from penstock.use_cases.lanes import Lanes


@dataclass(slots=True)
class Census:
    """What a job held in each lane, and which of its attempts were found in flight since."""

    held: dict[Lane, Share]
    in_flight: list[ChunkPath] = field(default_factory=list)

    def note(self, states: Iterable[ChunkState]) -> None:
        """Also those that have failed and are about to be tried again: the record is the same."""
        self.in_flight += [
            state.path for state in states if state.inference_id and not state.outcome
        ]


@dataclass(frozen=True, slots=True)
class RecoverPermits:
    """Compares the permits that a job holds with its attempts that are in flight.

    Only downwards: an attempt that waits to be tried again is on record as if it were in flight.
    """

    lanes: Lanes
    journal: Journal
    now: Callable[[], float]

    def begin(self, job: Job) -> Census:
        return Census(self._shares(job))

    def __call__(self, job: Job, census: Census) -> None:
        """Once all of the job's attempts have been looked at."""
        if not census.held:
            return
        counts = Counter(self.lanes.of(job, path) for path in census.in_flight)
        for lane, share in self._shares(job).items():
            surplus = lost(census.held[lane], share, counts[lane])
            if surplus:
                self.journal("PermitsRecovered", job_id=job.job_id, permits=surplus)
                change = Change(at=self.now(), held=-surplus)
                self.lanes.count(lane, tag_of(job.job_id), change)

    def _shares(self, job: Job) -> dict[Lane, Share]:
        tag = tag_of(job.job_id)
        return {lane: self.lanes.fresh(lane).share(tag) for lane in self.lanes.all_of(job)}
