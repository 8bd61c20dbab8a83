"""How the limit of an endpoint moves."""

from dataclasses import replace

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


def test_one_chunk_may_be_in_flight_whatever_is_refused() -> None:
    pace = Pace(3.0)
    for number in range(5):
        pace = after_refusal(pace, NOW + 10 * number)

    assert pace.limit == 1.0


def test_after_a_refused_call_the_limit_grows_by_one_a_round() -> None:
    pace = replace(driven(first_pace(CAP), 100, 1.0, 15)[-1], limit=100.0)
    pace = after_refusal(pace, NOW)
    limits = [pace.limit]
    for number in range(1, 6):
        pace = after_round(pace, answers(1.0, pace.limit), NOW + number, CAP)
        limits.append(pace.limit)

    assert limits == [50, 51, 52, 53, 54, 55]

    later = after_round(pace, answers(1.0, 55), NOW + REFUSALS_MATTER, CAP)
    assert later.limit == 110


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


def test_a_round_takes_some_answers_and_half_the_limit() -> None:
    assert not Round(7, 7.0).complete(limit=2)
    assert Round(8, 8.0).complete(limit=2)
    assert not Round(49, 49.0).complete(limit=100)
    assert Round(50, 50.0).complete(limit=100)
