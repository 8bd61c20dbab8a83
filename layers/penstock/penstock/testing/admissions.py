"""Permits in memory."""

from dataclasses import dataclass, field, replace

from penstock.domain.admission import Lane, Occupancy, Share
from penstock.domain.pacing import Pace, Round
from penstock.ports import Change


@dataclass(slots=True)
class _Counts:
    pace: Pace | None = None
    rounds: dict[int, Round] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)


@dataclass(slots=True)
class FakeAdmissions:
    """Admissions."""

    lanes: dict[tuple[str, int], _Counts] = field(default_factory=dict)

    def held(self, endpoint: str) -> int:
        """Permits that are out, over all lanes."""
        counts = (each for (name, _), each in self.lanes.items() if name == endpoint)
        return sum(share.held for each in counts for share in each.shares.values())

    def read(self, lane: Lane) -> Occupancy:
        return self._now(lane)

    def _now(self, lane: Lane) -> Occupancy:
        counts = self.lanes.get((lane.endpoint, lane.number), _Counts())
        number = counts.pace.number if counts.pace else 0
        return Occupancy(counts.pace, counts.rounds.get(number, Round()), dict(counts.shares))

    def count(self, lane: Lane, tag: str, change: Change) -> Occupancy:
        counts = self.lanes.setdefault((lane.endpoint, lane.number), _Counts())
        share = counts.shares.get(tag, Share())
        counts.shares[tag] = Share(share.held + change.held, share.sent + change.sent, change.at)
        if change.answered:
            known = counts.rounds.get(change.number, Round())
            counts.rounds[change.number] = replace(
                known,
                answers=known.answers + change.answered.answers,
                seconds=known.seconds + change.answered.seconds,
                held=known.held + change.answered.held,
            )
        return self._now(lane)

    def put_pace(self, lane: Lane, pace: Pace) -> bool:
        counts = self.lanes.setdefault((lane.endpoint, lane.number), _Counts())
        if pace.number != (counts.pace.number if counts.pace else 0) + 1:
            return False
        counts.pace = pace
        counts.rounds[pace.number] = Round()
        return True

    def forget(self, lane: Lane, tag: str, share: Share | None = None) -> None:
        shares = self.lanes.get((lane.endpoint, lane.number), _Counts()).shares
        if share is None or shares.get(tag) == share:
            shares.pop(tag, None)
