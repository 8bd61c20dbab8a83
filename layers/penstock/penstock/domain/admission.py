"""Whose chunks may be in flight at an endpoint, and how long the others stay away.

SageMaker serves requests in the order in which they came, so a large job that sent all its chunks
at once would keep everybody waiting until its end. So each chunk needs a permit before it is sent,
which is given back when its attempt has ended. There are as many as the limit says (pacing.py), and
jobs share them: a job that has less than its share gets more at any time.

An endpoint with many permits is divided into lanes, so that no item is written too often. A chunk
belongs to one lane; each lane has its part of the limit.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from penstock.domain.identity import ChunkPath
from penstock.domain.pacing import Pace, Round

PERMITS_PER_LANE = 2000
"""Taken and given back in lots of some ten at such numbers: a few hundred writes a second."""

SILENCE = 7200.0
"""Seconds without a permit taken or given back, beside the time that answers take, after which all
that a job holds is taken for lost."""

LONGEST_WAIT = 300.0
"""Seconds. Whoever sleeps longer misses that the endpoint has got more instances."""

SHORTEST_WAIT = 2.0
_UNKNOWN_WAIT = 60.0
_PART = 2.0
"""Of the time that a backlog takes: waits end after half of theirs on average, so that four chunks
ask for each permit, and as many come if the endpoint becomes four times as fast."""

_BUSY = 0.75
_AGAIN = 1.5
_TAG = 8


@dataclass(frozen=True, slots=True)
class Lane:
    """A part of an endpoint's permits, counted in one place."""

    endpoint: str
    number: int
    lanes: int

    @property
    def first(self) -> "Lane":
        """The one that also keeps the endpoint's pace."""
        return replace(self, number=0) if self.number else self


def lanes_of(cap: int) -> int:
    return math.ceil(cap / PERMITS_PER_LANE)


def lane_number(path: ChunkPath, lanes: int) -> int:
    """Always the same one for a chunk, so that a permit goes back to where it came from."""
    if lanes == 1:
        return 0
    digest = blake2b(str(path).encode(), digest_size=4).digest()
    return int.from_bytes(digest) % lanes


def tag_of(job_id: str) -> str:
    """A job's name in a lane: short, as a lane should hold many jobs in a small item.

    Of twenty jobs two have the same tag once in twenty million times; they would share a share.
    """
    return job_id[:_TAG]


@dataclass(frozen=True, slots=True)
class Share:
    """What one job holds in a lane, has had of it altogether, and when either last changed."""

    held: int = 0
    sent: int = 0
    changed_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A lane at one moment. Only the first lane of an endpoint knows `pace` and `answered`."""

    pace: Pace | None = None
    answered: Round = field(default_factory=Round)
    shares: Mapping[str, Share] = field(default_factory=dict)

    def held_by(self, tag: str) -> int:
        return max(0, self.share(tag).held)

    def share(self, tag: str) -> Share:
        return self.shares.get(tag, _NOTHING)

    @property
    def held(self) -> int:
        return sum(map(self.held_by, self.shares))

    def idle(self, now: float) -> float:
        """Seconds in which no permit was taken or given back."""
        return now - max((each.changed_at for each in self.shares.values()), default=now)


_NOTHING = Share()


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a chunk without a permit waits for.

    `permits` are those that its job has or can have soon, `latency` is how long an answer takes, if
    that is known, `backlog` counts the job's chunks that wait. For `idle` seconds no permit of the
    lane has been taken or given back.
    """

    permits: float
    latency: float | None
    backlog: int
    idle: float = 0.0


def room(lane: Occupancy, limit: float, tag: str, *, again: bool = False) -> int:
    """Permits that the job may have more.

    As many as are free; and at any time, until twice the limit is out, what it lacks of its share,
    which is an equal one among the jobs that hold permits. So a job that comes late gets its share
    at once, while the others keep theirs until it is used up.

    Args:
        again: for chunks that were in flight before. They don't queue up once more, lest the sweep
            takes the wait for an answer that is lost.
    """
    held, mine = lane.held, lane.held_by(tag)
    jobs = sum(lane.held_by(each) > 0 for each in lane.shares) + (mine == 0)
    free = math.ceil((_AGAIN if again else 1) * limit) - held
    lacking = min(math.ceil(limit / jobs) - mine, math.ceil(2 * limit) - held)
    return max(0, free, lacking)


def prospect(lane: Occupancy, limit: float, tag: str) -> float:
    """Permits that the job has or is entitled to."""
    jobs = sum(lane.held_by(each) > 0 for each in lane.shares if each != tag) + 1
    return max(lane.held_by(tag), limit / jobs)


def granted(after: Occupancy, limit: float, tag: str, asked: int, *, again: bool = False) -> int:
    """How many of `asked` permits the job may keep that are already counted in its share.

    Whoever asks first counts and then looks, so that of two who ask at the same time the second
    sees what the first has got.
    """
    share = after.share(tag)
    before = {**after.shares, tag: replace(share, held=share.held - asked)}
    return min(asked, room(replace(after, shares=before), limit, tag, again=again))


def silent(lane: Occupancy, latency: float | None, now: float) -> Iterator[tuple[str, Share]]:
    """Shares that nothing is heard of any more, of jobs that have ended or lost their permits."""
    patience = SILENCE + 4 * (latency or 0.0)
    for tag, share in lane.shares.items():
        if now - share.changed_at > patience:
            yield tag, share


def lost(before: Share, after: Share, in_flight: int) -> int:
    """Permits that a job holds and none of its attempts does.

    Args:
        before: the share as it was before the attempts were counted.
        after: the share as it was afterwards.
        in_flight: attempts on record without an outcome; at least as many as really are in flight.

    A quarter is tolerated while anything moves: permits of attempts that are being recorded, or
    that are settled and about to be given back.
    """
    surplus = min(before.held, after.held) - in_flight
    tolerated = 0 if before == after else max(before.held, after.held) // 4
    return surplus if surplus > tolerated else 0


def is_busy(held: int, limit: float) -> bool:
    """Whether the limit is what keeps more from being sent: only then do answers say something."""
    return held >= _BUSY * limit


def waiting_time(ahead: Ahead, turns: int) -> float:
    """Seconds in which a chunk that got no permit asks again; at random within them.

    A part of the time that the job's backlog takes with its permits (Little's law), so that the
    chunks which ask are some times as many as get a permit, however long the backlog is. Where
    nothing moves, since permits were lost or the endpoint has stopped, half of the time since
    anything did.

    Args:
        ahead: what the chunk waits for.
        turns: how often it has asked in vain.
    """
    if not ahead.latency:
        return min(_UNKNOWN_WAIT, SHORTEST_WAIT * 2.0 ** min(turns, 10))
    drained_in = ahead.backlog * ahead.latency / ahead.permits
    return min(LONGEST_WAIT, max(SHORTEST_WAIT, drained_in / _PART, ahead.idle / 2))


def next_turn(ceiling: float, time_left: float, uniform: Callable[[float, float], float]) -> int:
    """Whole seconds until the chunk asks again: with full jitter, none of them at once."""
    return max(0, math.ceil(min(uniform(0.0, ceiling), time_left)))
