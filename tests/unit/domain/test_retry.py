"""When to try again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.retry import SQS_MAXIMUM_DELAY, RetryPolicy, backoff

POLICIES = st.builds(
    RetryPolicy,
    initial_interval=st.floats(0.001, 900),
    backoff_coefficient=st.floats(1, 100),
    maximum_interval=st.floats(0.001, 900),
)


def longest(_low: float, high: float) -> float:
    return high


@given(POLICIES, st.integers(1, 10**6))
def test_a_wait_never_exceeds_what_the_policy_and_sqs_allow(
    policy: RetryPolicy, failures: int
) -> None:
    wait = backoff(policy, failures, longest)

    assert 0 < wait <= min(policy.maximum_interval, SQS_MAXIMUM_DELAY)


@given(POLICIES, st.integers(1, 100))
def test_waits_do_not_shrink(policy: RetryPolicy, failures: int) -> None:
    assert backoff(policy, failures, longest) <= backoff(policy, failures + 1, longest)


@given(POLICIES, st.integers(1, 100), st.floats(0, 1))
def test_jitter_spreads_from_nothing_to_the_whole_wait(
    policy: RetryPolicy, failures: int, share: float
) -> None:
    wait = backoff(policy, failures, lambda low, high: low + share * (high - low))

    assert wait == pytest.approx(share * backoff(policy, failures, longest))


def test_waits_grow_by_the_coefficient_from_the_initial_interval() -> None:
    policy = RetryPolicy(3.0, 10.0, 800.0)

    assert [backoff(policy, n, longest) for n in range(1, 5)] == [3, 30, 300, 800]


def test_a_wait_is_one_that_sqs_can_keep_even_if_the_policy_asks_for_more() -> None:
    patient = RetryPolicy(initial_interval=5000, maximum_interval=86400)

    assert backoff(patient, 1, longest) == SQS_MAXIMUM_DELAY


def test_attempts_end_with_the_maximum() -> None:
    policy = RetryPolicy(maximum_attempts=3)

    assert [policy.allows(attempt, "ModelError") for attempt in (1, 2, 3, 4)] == [
        True,
        True,
        False,
        False,
    ]


def test_an_error_that_is_named_is_not_retried() -> None:
    policy = RetryPolicy(non_retryable_errors=("ModelError",))

    assert not policy.allows(1, "ModelError")
    assert policy.allows(1, "InternalFailure")
