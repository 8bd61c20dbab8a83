"""How the limit of an endpoint moves."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.pacing import (
    COOLDOWN,
    FIRST_LIMIT,
    REFUSALS_MATTER,
    SEARCH_EVERY,
    Pace,
    Round,
    after_acceptance,
    after_refusal,
    after_round,
    first_pace,
    latency_wanted,
)

NOW = 1_800_000_000.0
CAP = 200.0


def answers(latency: float, held: float, count: int = 10) -> Round:
    return Round(count, latency * count, round(held * count))


def endpoint(workers: int, seconds: float, limit: float) -> Round:
    """What an endpoint answers that is given as much as the limit allows."""
    return answers(seconds * max(1.0, limit / workers), limit)


def driven(pace: Pace, workers: int, seconds: float, rounds: int) -> list[Pace]:
    """The paces of so many rounds with such an endpoint."""
    paces, now = [pace], NOW
    for _ in range(rounds):
        now += 100
        paces.append(after_round(paces[-1], endpoint(workers, seconds, paces[-1].limit), now, CAP))
    return paces


def test_an_endpoint_that_nothing_is_known_of_gets_ten_chunks_or_as_many_as_it_may() -> None:
    assert first_pace(CAP).limit == FIRST_LIMIT
    assert first_pace(3).limit == 3
    assert first_pace(10_000).limit == 500


@pytest.mark.parametrize("workers", [1, 2, 4, 8, 16, 50])
@pytest.mark.parametrize("seconds", [0.9, 7.0, 60.0])
def test_the_limit_settles_near_three_times_what_an_endpoint_works_on(
    workers: int, seconds: float
) -> None:
    pace = driven(first_pace(CAP), workers, seconds, 15)[-1]

    wanted = workers * latency_wanted(seconds) / seconds
    assert wanted * 0.85 <= pace.limit <= wanted * 1.15
    assert pace.alone == pytest.approx(seconds)


def test_a_fast_endpoint_gets_what_it_may_have_at_most() -> None:
    assert driven(first_pace(CAP), 500, 1.0, 15)[-1].limit == CAP


def test_a_model_that_becomes_slower_keeps_its_chunks_after_a_search() -> None:
    settled = driven(first_pace(CAP), 16, 1.0, 15)[-1]

    slower = driven(settled, 16, 5.0, 8)[-1]

    assert slower.limit == pytest.approx(settled.limit, rel=0.15)
    assert slower.alone == pytest.approx(5.0)


@pytest.mark.parametrize(("before", "after"), [(4, 40), (40, 4)])
def test_the_limit_follows_the_number_of_instances(before: int, after: int) -> None:
    settled = driven(first_pace(CAP), before, 2.0, 15)[-1]

    scaled = driven(settled, after, 2.0, 15)[-1]

    assert scaled.limit == pytest.approx(3 * after, rel=0.15)


def test_a_wrong_idea_of_the_latency_is_corrected_by_the_next_search() -> None:
    wrong = Pace(CAP, 1, NOW, latency=50.0, rate=4.0, alone=30.0)

    corrected = driven(wrong, 4, 1.0, SEARCH_EVERY + 10)[-1]

    assert corrected.limit == pytest.approx(12, rel=0.15)


def test_a_search_costs_an_endpoint_little_of_its_throughput() -> None:
    settled = driven(first_pace(CAP), 8, 1.0, 15)[-1]

    limits = [pace.limit for pace in driven(settled, 8, 1.0, SEARCH_EVERY + 10)]

    assert sum(limit < 8 for limit in limits) <= 1
    assert min(limits) >= 5


def test_a_refused_call_halves_the_limit() -> None:
    slower = after_refusal(Pace(40.0, 7, NOW - 100), NOW)

    assert (slower.limit, slower.number, slower.since) == (20.0, 8, NOW)


def test_calls_that_are_refused_together_count_as_one() -> None:
    slower = after_refusal(Pace(40.0), NOW)

    assert after_refusal(slower, NOW + COOLDOWN - 0.1) == slower
    assert after_refusal(slower, NOW + COOLDOWN).limit == 10.0


def test_a_call_that_is_refused_after_the_next_round_counts_anew() -> None:
    slower = after_refusal(Pace(40.0), NOW)
    again = after_round(slower, answers(1.0, 20), NOW + 0.5, CAP)

    assert after_refusal(again, NOW + 0.6).limit == again.limit / 2


def test_one_chunk_may_be_in_flight_whatever_is_refused() -> None:
    pace = Pace(3.0)
    for number in range(5):
        pace = after_refusal(pace, NOW + 10 * number)

    assert pace.limit == 1.0


def refused_for(pace: Pace, seconds: float) -> Pace:
    """After a storm in which all calls are refused."""
    for second in range(int(seconds)):
        pace = after_refusal(pace, NOW + second)
    return pace


def grown(pace: Pace, rounds: int) -> list[float]:
    """The limits of so many rounds in which nothing is refused and no chunk waits."""
    limits, now = [pace.limit], max(NOW, pace.refused_at)
    for _ in range(rounds):
        now += 1
        pace = after_round(pace, answers(1.0, pace.limit), now, CAP)
        limits.append(pace.limit)
    return limits


def settled(limit: float) -> Pace:
    """The pace of an endpoint that is known and would take more."""
    return Pace(limit, 1, NOW - 100, latency=1.0, rate=limit, alone=1.0)


def test_after_a_refused_call_the_limit_goes_half_of_the_way_back_each_round() -> None:
    assert grown(refused_for(settled(100), 1), 4) == [50, 75, 87.5, 93.75, 96.88]


@pytest.mark.parametrize("limit", [5.0, 20.0, 100.0])
@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_a_storm_of_any_length_is_forgotten_within_eleven_rounds(
    limit: float, seconds: float
) -> None:
    stormy = refused_for(settled(limit), seconds)

    assert stormy.limit < limit
    assert stormy.good == limit
    assert grown(stormy, 11)[-1] >= 0.9 * limit


def test_where_a_call_was_refused_the_limit_grows_slowly_and_faster_beyond() -> None:
    limits = grown(replace(refused_for(settled(20), 1), limit=19.5), 11)

    steps = [after - before for before, after in pairwise(limits)]
    slow, fast = [0.25, 0.125, 0.125, 0.125, 0.125], [0.25, 0.5, 1.0, 1.4, 1.5, 1.5]
    assert steps == pytest.approx(slow + fast, abs=0.08)


def test_ten_minutes_after_a_refused_call_the_limit_may_double_in_a_round() -> None:
    pace = replace(refused_for(settled(20), 1), limit=19.0)

    later = after_round(pace, answers(1.0, 19), NOW + REFUSALS_MATTER, CAP)

    assert later.limit == 38


def test_a_call_that_is_refused_on_the_way_back_brings_the_goal_nearer() -> None:
    stormy = refused_for(settled(80), 10)
    on_its_way = after_round(stormy, answers(1.0, stormy.limit), NOW + 20, CAP)

    again = after_refusal(on_its_way, NOW + 21)

    assert on_its_way.limit == 2 * stormy.limit == 5.0
    assert again.good == (80 + 5) / 2


def test_an_endpoint_that_has_become_smaller_is_found_out_in_a_few_refusals() -> None:
    pace, refusals, now = settled(100), 0, NOW
    while pace.limit > 8 or pace.good > 10:
        now += 10
        if pace.limit > 8:
            pace, refusals = after_refusal(pace, now), refusals + 1
        else:
            pace = after_round(pace, answers(1.0, pace.limit), now, CAP)

    assert refusals <= 15


def test_on_the_way_back_only_what_is_refused_counts_and_no_latency() -> None:
    stormy = refused_for(settled(80), 10)

    slow = after_round(stormy, answers(60.0, stormy.limit), NOW + 20, CAP)

    assert slow.limit == 2 * stormy.limit
    assert slow.before is None


def test_where_the_latency_asks_for_less_the_old_limit_is_forgotten() -> None:
    pace = replace(refused_for(settled(80), 1), limit=70.0)

    slower = after_round(pace, answers(4.0, 70), NOW + 20, CAP)

    assert slower.limit == slower.good == 52.5
    assert not slower.recovers


def test_a_storm_in_a_search_costs_no_more_than_any_other() -> None:
    searching = after_round(replace(settled(80), rounds=SEARCH_EVERY), answers(3, 80), NOW, CAP)

    stormy = refused_for(replace(searching, since=NOW - 1), 10)

    assert searching.limit == 40
    assert stormy.good == 80


def test_in_a_storm_hardly_anybody_tries() -> None:
    stormy = refused_for(settled(80), 7)

    assert stormy.refused_at == NOW + 6
    assert stormy.storm == 6
    assert stormy.is_closed(NOW + 6)
    assert not stormy.is_closed(NOW + 6 + COOLDOWN)
    calm = after_round(stormy, answers(1.0, 5), NOW + 7, CAP)
    assert not calm.is_closed(NOW + 7)
    assert calm.storm == 0


def test_calls_that_are_taken_again_shorten_the_way_back_however_long_answers_take() -> None:
    pace, now = refused_for(settled(80), 20), NOW + 20
    limits = []
    for _ in range(10):
        now += COOLDOWN
        pace = after_acceptance(pace, now)
        limits.append(pace.limit)

    assert limits[:6] == [2, 4, 8, 16, 32, 56]
    assert limits[-1] == 68


def test_calls_that_are_taken_tell_nothing_at_once_or_of_more_than_has_worked() -> None:
    stormy = refused_for(settled(80), 20)

    assert after_acceptance(stormy, stormy.refused_at + COOLDOWN - 0.1) == stormy
    assert after_acceptance(settled(80), NOW) == settled(80)
    assert after_acceptance(replace(stormy, limit=61.0), NOW + 100).limit == 61


def test_one_refused_call_closes_nothing() -> None:
    assert not refused_for(settled(80), 1).is_closed(NOW)


def test_chunks_wait_for_the_limit_that_is_expected_after_the_storm() -> None:
    assert refused_for(settled(80), 20).highest(CAP, NOW + 20) == 80


def test_a_search_that_is_interrupted_by_a_refused_call_begins_anew() -> None:
    searching = replace(first_pace(CAP), latency=2.0, before=2.0)

    assert after_refusal(searching, NOW).before is None


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.floats(0, 40_000), st.integers(1, 200), st.booleans()), max_size=60),
)
def test_the_limit_is_always_between_one_and_the_cap(
    cap: int, rounds: list[tuple[float, int, bool]]
) -> None:
    pace, now = first_pace(cap), NOW
    for latency, held, refused in rounds:
        now += 10
        pace = after_round(pace, answers(latency, held), now, cap)
        pace = after_refusal(pace, now) if refused else pace

        assert 1 <= pace.limit <= cap
        assert pace.limit <= pace.highest(cap, now) <= max(cap, pace.limit)


def test_on_the_way_back_a_round_takes_two_answers_or_half_the_limit() -> None:
    assert not Round(1, 1.0).complete(limit=1, recovers=True)
    assert Round(2, 2.0).complete(limit=4, recovers=True)
    assert not Round(2, 2.0).complete(limit=5, recovers=True)


def test_a_round_takes_some_answers_and_half_the_limit() -> None:
    assert not Round(7, 7.0).complete(limit=2)
    assert Round(8, 8.0).complete(limit=2)
    assert not Round(49, 49.0).complete(limit=100)
    assert Round(50, 50.0).complete(limit=100)
