"""Who gets permits, and how long the others wait."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.admission import (
    LONGEST_WAIT,
    SHORTEST_WAIT,
    SILENCE,
    Ahead,
    Occupancy,
    Share,
    granted,
    is_busy,
    lane_number,
    lanes_of,
    lost,
    next_turn,
    prospect,
    room,
    silent,
    waiting_time,
)
from penstock.domain.identity import ChunkPath

NOW = 1_800_000_000.0


def lane(**held: int) -> Occupancy:
    return Occupancy(shares={tag: Share(count, count, NOW) for tag, count in held.items()})


def test_a_job_alone_may_have_all_permits() -> None:
    assert room(lane(), 12.0, "big") == 12
    assert room(lane(big=9), 12.0, "big") == 3
    assert room(lane(big=12), 12.0, "big") == 0


def test_half_a_permit_is_one() -> None:
    assert room(lane(), 0.5, "big") == 1
    assert room(lane(big=2), 2.4, "big") == 1


def test_a_job_that_comes_late_gets_its_share_at_once() -> None:
    assert room(lane(big=12), 12.0, "small") == 6
    assert room(lane(big=12, small=5), 12.0, "small") == 1
    assert room(lane(big=12, small=6), 12.0, "small") == 0


def test_a_job_with_more_than_its_share_waits_until_it_is_used_up() -> None:
    assert room(lane(big=12, small=6), 12.0, "big") == 0
    assert room(lane(big=7, small=6), 12.0, "big") == 0
    assert room(lane(big=5, small=6), 12.0, "big") == 1


def test_what_the_others_leave_may_be_used() -> None:
    assert room(lane(big=3, small=2), 12.0, "big") == 7


def test_even_the_latest_of_many_jobs_gets_one_permit() -> None:
    crowd = lane(**{f"job{number}": 1 for number in range(12)})

    assert room(crowd, 8.0, "late") == 1


def test_another_attempt_does_not_queue_up_once_more() -> None:
    assert room(lane(big=12), 12.0, "big", again=True) == 6
    assert room(lane(big=18), 12.0, "big", again=True) == 0


def test_permits_that_were_given_back_twice_are_no_credit() -> None:
    assert room(lane(big=-5), 12.0, "big") == 12
    assert room(lane(big=12, other=-5), 12.0, "small") == 6


jobs = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-3, 30))
limits = st.floats(0.1, 50)


@given(jobs, limits, st.sampled_from("abcdefgh"))
def test_never_more_than_twice_the_limit_are_out(
    held: dict[str, int], limit: float, tag: str
) -> None:
    before = lane(**held)

    more = room(before, limit, tag)

    assert more == 0 or before.held + more <= -(-2 * limit // 1)


@given(jobs, limits, st.sampled_from("abcdefgh"), st.integers(1, 10))
def test_what_is_counted_first_and_looked_at_then_is_never_more_than_there_was_room_for(
    held: dict[str, int], limit: float, tag: str, asked: int
) -> None:
    before = lane(**held)
    share = before.share(tag)
    after = replace(before, shares={**before.shares, tag: replace(share, held=share.held + asked)})

    assert granted(after, limit, tag, asked) == min(asked, room(before, limit, tag))


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 10)), max_size=30), limits)
def test_many_who_ask_at_the_same_time_get_no_more_than_there_is(
    asking: list[tuple[str, int]], limit: float
) -> None:
    """All of them count before any of them gives back what it got too much."""
    counted, got = lane(), 0
    for tag, asked in asking:
        held = counted.share(tag).held + asked
        counted = replace(counted, shares={**counted.shares, tag: Share(held, held, NOW)})
        got += granted(counted, limit, tag, asked)

    assert got <= -(-2 * limit // 1)


def test_a_share_that_nothing_is_heard_of_is_silent() -> None:
    shares = {"old": Share(9, 9, NOW - SILENCE - 1), "new": Share(9, 9, NOW - SILENCE)}

    assert dict(silent(Occupancy(shares=shares), None, NOW)) == {"old": shares["old"]}
    assert not dict(silent(Occupancy(shares=shares), 600.0, NOW))


def test_answers_tell_something_only_while_the_limit_is_what_binds() -> None:
    assert is_busy(9, 12.0)
    assert not is_busy(8, 12.0)


def test_permits_of_no_attempt_are_lost() -> None:
    share = Share(20, 100, NOW)

    assert lost(share, share, in_flight=17) == 3
    assert lost(share, share, in_flight=20) == 0
    assert lost(share, share, in_flight=25) == 0


def test_a_few_permits_are_under_way_while_anything_moves() -> None:
    before, after = Share(20, 100, NOW), Share(18, 103, NOW + 1)

    assert lost(before, after, in_flight=13) == 0
    assert lost(before, after, in_flight=12) == 6


def test_a_chunk_asks_again_within_half_the_time_that_the_backlog_takes() -> None:
    assert waiting_time(Ahead(permits=12, latency=3.0, backlog=1000), turns=0) == 125.0


def test_waiting_is_neither_spinning_nor_sleeping_through_a_change() -> None:
    assert waiting_time(Ahead(12, 3.0, backlog=1), 0) == SHORTEST_WAIT
    assert waiting_time(Ahead(12, 3.0, backlog=10**6), 0) == LONGEST_WAIT


def test_where_nothing_moves_a_chunk_asks_less_and_less_often() -> None:
    waits = [waiting_time(Ahead(12, 3.0, 1, idle), 99) for idle in (1.0, 30.0, 400.0, 7200.0)]

    assert waits == [SHORTEST_WAIT, 15.0, 200.0, LONGEST_WAIT]


def test_as_long_as_nothing_is_known_waits_grow() -> None:
    waits = [waiting_time(Ahead(12, None, 1000), turns) for turns in (0, 1, 2, 5, 20_000)]

    assert waits == [2.0, 4.0, 8.0, 60.0, 60.0]


def test_a_lane_is_idle_since_its_last_change() -> None:
    changed = {"a": Share(1, 1, NOW - 30), "b": Share(0, 5, NOW - 7)}

    assert Occupancy(shares=changed).idle(NOW) == 7
    assert Occupancy().idle(NOW) == 0


def test_no_chunk_waits_a_second_beyond_the_deadline() -> None:
    assert next_turn(60.0, 7.4, lambda _low, high: high) == 8
    assert next_turn(60.0, -1.0, lambda _low, high: high) == 0
    assert 1 <= next_turn(60.0, 100.0, random.Random(1).uniform) <= 60


def test_a_job_can_expect_its_share_or_what_it_has() -> None:
    assert prospect(lane(big=12), 12.0, "big") == 12
    assert prospect(lane(big=12), 12.0, "small") == 6
    assert prospect(lane(big=12, small=2), 12.0, "small") == 6


@pytest.mark.parametrize(("cap", "lanes"), [(1, 1), (200, 1), (2000, 1), (2001, 2), (10_000, 5)])
def test_an_endpoint_with_many_permits_has_several_lanes(cap: int, lanes: int) -> None:
    assert lanes_of(cap) == lanes


def test_chunks_spread_evenly_over_the_lanes() -> None:
    paths = [ChunkPath(segment, chunk) for segment in range(20) for chunk in range(256)]

    counts = [0] * 5
    for path in paths:
        counts[lane_number(path, 5)] += 1

    assert min(counts) > 0.9 * len(paths) / 5
