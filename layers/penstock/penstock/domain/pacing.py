"""How many chunks an endpoint is given at a time: as many as keep it busy, and few more.

Two things move the limit.

A call that is refused halves it, and from then on it grows by one chunk a round: additive increase,
multiplicative decrease, with which several senders come to a fair share of what there is (Chiu and
Jain, "Analysis of the Increase and Decrease Algorithms", 1989; RFC 5681, section 3.1).

But InvokeEndpointAsync refuses next to nothing: it queues. There latency tells, as in TCP Vegas
(Brakmo and Peterson, 1995): of an endpoint that is busy, half the chunks take half the time, since
they only wait less; of one that is not, they take as long. So the limit is halved while that helps.
Where it stops helping, a chunk takes as long as it does alone, and by Little's law the limit is the
throughput times the latency that is wanted.
"""

from dataclasses import dataclass, replace

FIRST_LIMIT = 10.0
"""Of an endpoint that nothing is known of, or a twentieth of its most if that is more."""

FLOOR = 2.0
"""The least limit but for searches: while one chunk is worked on, the next is on its way."""

COOLDOWN = 5.0
"""Seconds in which refused calls count as one: they were sent before the limit was halved."""

REFUSALS_MATTER = 600.0
"""Seconds after a refused call in which the limit grows by one a round."""

LATENCY_WANTED = 3.0
"""Times as long as a chunk takes alone: it may wait for twice as long as it is worked on."""

WAIT_FREE = 1.0
"""Seconds that a chunk may wait in any case: about as long as messages are on their way."""

LEAST_ROUND = 8
"""Answers. Fewer say too little where one inference takes longer than another."""

SEARCH_EVERY = 40
"""Rounds after which it is looked again whether fewer chunks would do."""

_HELPS = 0.75
"""Times the latency at twice the limit: half of it if all chunks wait, the same if none does."""

_HELPS_FULLY = 0.6
"""The same, if all of them waited, and perhaps still do."""

_AS_ALONE = 1.25
"""Times what a chunk takes alone: hardly any chunk waits."""

_TOO_SLOW = 0.5
"""Latency wanted to latency found: perhaps the model has become slower."""

_WAITS = 0.75
"""Times the latency that is wanted: the endpoint is busy, and the limit about right."""

_NEAR = 0.1
"""Differences that are left as they are."""

_FALLS = 10
"""Rounds that a fall of the limit counts for: again and again, it follows from a wrong idea."""

_SHORTEST = 0.001


@dataclass(frozen=True, slots=True)
class Pace:
    """The limit of one endpoint, and what it came from. Times are epoch seconds, latencies seconds.

    `number` counts the rounds; the answers of a round are to requests made `since` it began, under
    the same limit. `latency` and `rate`, in answers a second, are those of the last round; `alone`
    is the latency of a chunk that doesn't wait. During a search `before` is the latency at twice
    the limit. `rounds` have passed since the last search.
    """

    limit: float
    number: int = 0
    since: float = 0.0
    refused_at: float = 0.0
    latency: float | None = None
    rate: float = 0.0
    alone: float | None = None
    before: float | None = None
    rounds: int = 0

    def highest(self, cap: float, now: float) -> float:
        """What the limit may become before long."""
        if _refused_lately(self, now):
            return min(cap, 2 * self.limit)
        if self.latency is None or self.latency < _WAITS * latency_wanted(self.alone or 0.0):
            return min(cap, 16 * self.limit)
        return self.limit if self.before is None else min(cap, 4 * self.limit)


@dataclass(frozen=True, slots=True)
class Round:
    """Answers to requests that were sent under the same limit.

    `seconds` are their latencies in all; `held` is what was in flight when each came, in all.
    """

    answers: int = 0
    seconds: float = 0.0
    held: int = 0

    @property
    def latency(self) -> float:
        return max(_SHORTEST, self.seconds / self.answers)

    @property
    def rate(self) -> float:
        """Answers a second (Little's law)."""
        return self.held / self.answers / self.latency

    def complete(self, limit: float) -> bool:
        return self.answers >= max(LEAST_ROUND, limit / 2)


def first_pace(cap: float) -> Pace:
    """Of an endpoint that nothing is known of."""
    return Pace(limit=min(cap, max(FIRST_LIMIT, cap / 20)))


def after_refusal(pace: Pace, now: float) -> Pace:
    """Halves the limit, at most once in `COOLDOWN` seconds."""
    if now < pace.refused_at + COOLDOWN:
        return pace
    return _next(replace(pace, refused_at=now, before=None), max(1.0, pace.limit / 2), now)


def after_round(pace: Pace, answered: Round, now: float, cap: float) -> Pace:
    """The limit of the next round, between `FLOOR` (or `cap`) and `cap`."""
    seen = replace(pace, latency=answered.latency, rate=answered.rate)
    if pace.latency is None:
        # The first requests came all at once: each waited for fewer than the next one.
        return _next(seen, pace.limit, now)
    if pace.before is not None and _still_waits(seen, pace.before):
        return _halved(seen, now)
    if pace.before is not None:
        return _found(seen, max(pace.rate, answered.rate), now, cap)
    ratio = latency_wanted(pace.alone or 0.0) / answered.latency
    if _must_search(seen, ratio, cap):
        return _halved(seen, now)
    return _adjusted(seen, ratio, now, cap)


def latency_wanted(alone: float) -> float:
    return max(LATENCY_WANTED * alone, alone + WAIT_FREE)


def _must_search(pace: Pace, ratio: float, cap: float) -> bool:
    if pace.alone is None or ratio < _TOO_SLOW:
        return True
    # Not while the limit grows: the latency still follows it.
    grows = ratio > 1 + _NEAR and pace.limit < cap
    return pace.rounds >= SEARCH_EVERY and not grows


def _still_waits(pace: Pace, before: float) -> bool:
    """Whether less may do, as far as the latency tells."""
    latency = pace.latency or 0.0
    if pace.limit <= 1 or latency > _HELPS * before:
        return False
    above = pace.alone is None or latency > _AS_ALONE * pace.alone
    return above or latency <= _HELPS_FULLY * before


def _halved(pace: Pace, now: float) -> Pace:
    return _next(replace(pace, before=pace.latency), max(1.0, pace.limit / 2), now)


def _found(pace: Pace, rate: float, now: float, cap: float) -> Pace:
    """Fewer chunks take as long, so that is how long a chunk takes alone."""
    alone = pace.latency or 0.0
    limit = rate * latency_wanted(alone)
    if _refused_lately(pace, now):
        limit = min(limit, 2 * pace.limit)
    found = replace(pace, alone=alone, before=None, rounds=0)
    # The next requests come all at once, too, and each waits for fewer than the one after it.
    return _next(found, min(cap, max(_floor(cap), limit)), now + alone)


def _adjusted(pace: Pace, ratio: float, now: float, cap: float) -> Pace:
    """The same throughput at the latency that is wanted, but twice as many chunks at most."""
    limit = pace.limit * min(2.0, ratio) if abs(ratio - 1) > _NEAR else pace.limit
    if _refused_lately(pace, now):
        limit = min(limit, pace.limit + 1)
    later = replace(pace, rounds=pace.rounds + (_FALLS if ratio < 1 - _NEAR else 1))
    return _next(later, min(cap, max(_floor(cap), limit)), now)


def _next(pace: Pace, limit: float, since: float) -> Pace:
    return replace(pace, limit=round(limit, 2), number=pace.number + 1, since=since)


def _floor(cap: float) -> float:
    return min(FLOOR, cap)


def _refused_lately(pace: Pace, now: float) -> bool:
    return now < pace.refused_at + REFUSALS_MATTER
