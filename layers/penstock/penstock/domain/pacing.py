"""How many chunks an endpoint is given at a time: as many as keep it busy, and few more.

Two things move the limit.

A call that is refused halves it, and it grows again in small steps: additive increase,
multiplicative decrease, with which several senders come to a fair share of what there is (Chiu and
Jain, "Analysis of the Increase and Decrease Algorithms", 1989; RFC 5681, section 3.1). But most
refusals are brief storms, after which the endpoint has as much room as before. So the last limit
that worked is remembered, and the way back to it is short: the limit doubles, then goes half of the
way each round, slows down where it was refused, and gains speed beyond, as in BIC and CUBIC (Xu,
Harfoush and Rhee, 2004; RFC 9438). A storm of any length counts as one refusal there.

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

COOLDOWN = 2.0
"""Seconds in which refused calls count as one, unless a round has passed: they were sent before
the limit was halved."""

REFUSALS_MATTER = 600.0
"""Seconds after a refused call in which the limit grows in small steps beyond what has worked."""

RECOVERED = 0.75
"""Of the last limit that worked: up to there its growth waits for no latency."""

LATENCY_WANTED = 3.0
"""Times as long as a chunk takes alone: it may wait for twice as long as it is worked on."""

WAIT_FREE = 1.0
"""Seconds that a chunk may wait in any case: about as long as messages are on their way."""

LEAST_ROUND = 8
"""Answers. Fewer say too little where one inference takes longer than another."""

_LEAST_RECOVERY = 2
"""The same on the way back, when it only matters that calls are taken again."""

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

_SMALLEST_STEP = 0.125
"""Chunks a round, where a call was refused before: for some rounds nothing is tried again."""

_LARGEST_STEP = 1 / 16
"""Of the limit, or one chunk: how far beyond what has worked a round may try."""

_SHORTEST = 0.001


@dataclass(frozen=True, slots=True)
class Pace:
    """The limit of one endpoint, and what it came from. Times are epoch seconds, latencies seconds.

    `number` counts the rounds; the answers of a round are to requests made `since` it began, under
    the same limit. `latency` and `rate`, in answers a second, are those of the last round; `alone`
    is the latency of a chunk that doesn't wait. During a search `before` is the latency at twice
    the limit. `rounds` have passed since the last search. `good` is the limit at which a call was
    refused or a search began, thus the last that worked; 0 if there is none. For `storm`
    seconds all calls have been refused.
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
    good: float = 0.0
    storm: int = 0

    @property
    def in_storm(self) -> bool:
        """Whether no round has passed since a call was refused."""
        return self.refused_at > 0.0 and self.since <= self.refused_at

    def is_closed(self, now: float) -> bool:
        """Whether it is too early to try again: half of the limit was too much, and its half."""
        low = self.limit <= max(1.0, self.good / 4)
        return self.in_storm and low and now < self.refused_at + COOLDOWN

    @property
    def recovers(self) -> bool:
        """Whether the limit is on its way back to what worked before calls were refused."""
        return self.before is None and self.limit < RECOVERED * self.good

    def highest(self, cap: float, now: float) -> float:
        """What the limit may become before long."""
        if _refused_lately(self, now):
            return min(cap, max(2 * self.limit, self.good))
        if self.latency is None or self.latency < _WAITS * latency_wanted(self.alone or 0.0):
            return min(cap, 16 * self.limit)
        return self.limit if self.before is None else min(cap, 4 * max(self.limit, self.good))


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

    def complete(self, limit: float, *, recovers: bool = False) -> bool:
        least = _LEAST_RECOVERY if recovers else LEAST_ROUND
        return self.answers >= max(least, limit / 2)


def first_pace(cap: float) -> Pace:
    """Of an endpoint that nothing is known of."""
    return Pace(limit=min(cap, max(FIRST_LIMIT, cap / 20)))


def after_refusal(pace: Pace, now: float) -> Pace:
    """Halves the limit, at most once in a round or `COOLDOWN` seconds."""
    if pace.in_storm and now < pace.refused_at + COOLDOWN:
        return pace
    storm = round(pace.storm + now - pace.refused_at) if pace.in_storm else 0
    slower = replace(pace, refused_at=now, before=None, good=_remembered(pace), storm=storm)
    return _next(slower, max(1.0, pace.limit / 2), now)


def after_acceptance(pace: Pace, now: float) -> Pace:
    """The next step of the way back, `COOLDOWN` seconds after the last: calls are taken again.

    Answers may take long, and those that are lost would hold up everything when the limit is low.
    """
    if not pace.recovers or now < pace.since + COOLDOWN:
        return pace
    return _next(replace(pace, storm=0), _step(pace), now)


def _remembered(pace: Pace) -> float:
    """The limit to come back to after a refusal.

    One that comes on the way back tells that there is less room than before; not so if no round has
    passed since the last, or if the limit is low because of a search.
    """
    if pace.limit >= pace.good:
        return pace.limit
    if pace.in_storm or pace.before:
        return pace.good
    return round((pace.good + pace.limit) / 2, 2)


def after_round(pace: Pace, answered: Round, now: float, cap: float) -> Pace:
    """The limit of the next round, between `FLOOR` (or `cap`) and `cap`."""
    seen = replace(pace, latency=_short(answered.latency), rate=_short(answered.rate), storm=0)
    if pace.recovers:
        return _next(seen, min(cap, _step(pace)), now)
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
    # While chunks wait for less than half of what they may in any case, there is nothing to find.
    if ratio < (2.0 if pace.alone is None else _TOO_SLOW):
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
    good = pace.good if pace.before else pace.limit
    searching = replace(pace, before=pace.latency, good=good)
    return _next(searching, max(1.0, pace.limit / 2), now)


def _found(pace: Pace, rate: float, now: float, cap: float) -> Pace:
    """Fewer chunks take as long, so that is how long a chunk takes alone."""
    alone = pace.latency or 0.0
    limit = rate * latency_wanted(alone)
    if _refused_lately(pace, now):
        limit = min(limit, max(2 * pace.limit, pace.good))
    limit = min(cap, max(_floor(cap), limit))
    found = replace(pace, alone=alone, before=None, rounds=0, good=min(pace.good, limit))
    # The next requests come all at once, too, and each waits for fewer than the one after it.
    return _next(found, limit, now + alone)


def _adjusted(pace: Pace, ratio: float, now: float, cap: float) -> Pace:
    """The same throughput at the latency that is wanted, but twice as many chunks at most."""
    limit = pace.limit * min(2.0, ratio) if abs(ratio - 1) > _NEAR else pace.limit
    if _refused_lately(pace, now):
        limit = min(limit, _step(pace))
    limit = min(cap, max(_floor(cap), limit))
    falls = ratio < 1 - _NEAR
    later = replace(
        pace,
        rounds=pace.rounds + (_FALLS if falls else 1),
        good=min(pace.good, limit) if falls else pace.good,
    )
    return _next(later, limit, now)


def _step(pace: Pace) -> float:
    """The limit after a round in which nothing was refused."""
    limit, good = pace.limit, pace.good
    if limit < good:
        return min(2 * limit, good, limit + max(_SMALLEST_STEP, (good - limit) / 2))
    largest = max(1.0, _LARGEST_STEP * limit)
    return limit + min(largest, max(_SMALLEST_STEP, limit - good))


def _short(number: float) -> float:
    """As exact as it matters; a lane's item must not grow."""
    return float(f"{number:.5g}")


def _next(pace: Pace, limit: float, since: float) -> Pace:
    return replace(pace, limit=round(limit, 2), number=pace.number + 1, since=since)


def _floor(cap: float) -> float:
    return min(FLOOR, cap)


def _refused_lately(pace: Pace, now: float) -> bool:
    return now < pace.refused_at + REFUSALS_MATTER
