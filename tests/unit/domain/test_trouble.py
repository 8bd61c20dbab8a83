"""Errors by whose fault they are, and what follows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.chunk import ChunkMessage
from penstock.domain.retry import RetryPolicy
from penstock.domain.trouble import (
    HOP_BUDGET,
    GiveUp,
    InvocationError,
    Isolate,
    Kind,
    Retry,
    Trouble,
    answer_trouble,
    call_trouble,
    inference_trouble,
    next_step,
)

MESSAGE = ChunkMessage("0" * 20, 0, 0, 0, 10, 1, 0, 1)
POLICY = RetryPolicy(initial_interval=4, maximum_attempts=3)
BUSY = Trouble(Kind.UNAVAILABLE, "ThrottlingException", "slow down")
BROKEN = Trouble(Kind.RETRYABLE, "ModelError", "broken")
WRONG = Trouble(Kind.PERMANENT, "ModelError", "wrong")


@pytest.mark.parametrize(
    ("code", "status", "message", "kind"),
    [
        ("ThrottlingException", 400, "Rate exceeded", Kind.UNAVAILABLE),
        ("ThrottlingException", 429, "", Kind.UNAVAILABLE),
        ("TooManyRequestsException", 429, "", Kind.UNAVAILABLE),
        ("ModelNotReadyException", 429, "", Kind.UNAVAILABLE),
        ("ServiceUnavailable", 503, "", Kind.UNAVAILABLE),
        ("ServiceUnavailableException", 503, "", Kind.UNAVAILABLE),
        ("InternalFailure", 500, "", Kind.RETRYABLE),
        ("InternalDependencyException", 530, "", Kind.RETRYABLE),
        ("ModelError", 424, "", Kind.PERMANENT),
        ("Unknown", 502, "", Kind.RETRYABLE),
        ("SomethingNew", 500, "", Kind.RETRYABLE),
        ("ConnectionError", 0, "", Kind.RETRYABLE),
        ("ValidationError", 400, "InputLocation is invalid", Kind.PERMANENT),
        ("ValidationError", 400, "Endpoint x of account 1 not found.", Kind.PERMANENT),
        ("ValidationError", 400, "Endpoint x is not InService", Kind.UNAVAILABLE),
        ("ValidationError", 400, "endpoint is not yet in service", Kind.UNAVAILABLE),
        (
            "ValidationError",
            400,
            "Inference Component has no capacity to process this request.",
            Kind.UNAVAILABLE,
        ),
        ("ValidationError", 400, "The endpoint is in Updating state", Kind.UNAVAILABLE),
        ("AccessDeniedException", 403, "", Kind.PERMANENT),
        ("ExpiredTokenException", 403, "", Kind.PERMANENT),
    ],
)
def test_an_error_of_the_call_is_classed_by_its_code(
    code: str, status: int, message: str, kind: Kind
) -> None:
    assert call_trouble(code, status, message) == Trouble(kind, code, message)


RECEIVED = "ClientError: Received {} error ({}) from model. See the SageMaker Endpoint logs."


@pytest.mark.parametrize(
    ("reason", "kind", "code"),
    [
        (RECEIVED.format("client", 400), Kind.PERMANENT, "ModelError"),
        (RECEIVED.format("client", 422), Kind.PERMANENT, "ModelError"),
        (RECEIVED.format("client", 408), Kind.RETRYABLE, "ModelError"),
        (RECEIVED.format("client", 429), Kind.UNAVAILABLE, "ModelBusy"),
        (RECEIVED.format("server", 500), Kind.RETRYABLE, "ModelError"),
        (RECEIVED.format("server", 507), Kind.RETRYABLE, "ModelError"),
        (RECEIVED.format("server", 0), Kind.RETRYABLE, "ModelError"),
        (
            "Amazon SageMaker could not get a response from the x endpoint. This can occur ...",
            Kind.RETRYABLE,
            "InferenceFailed",
        ),
        ("a text that nobody has documented", Kind.RETRYABLE, "InferenceFailed"),
        ("", Kind.RETRYABLE, "InferenceFailed"),
    ],
)
def test_an_inference_that_failed_is_classed_by_the_containers_status(
    reason: str, kind: Kind, code: str
) -> None:
    to_blame = kind is not Kind.UNAVAILABLE

    assert inference_trouble(reason) == Trouble(kind, code, reason, of_records=to_blame)


def test_the_models_own_words_are_told_where_there_are_any() -> None:
    reason = RECEIVED.format("client", 400)

    assert inference_trouble(reason, " column 3 is missing\n").message == "column 3 is missing"
    assert inference_trouble(reason, "  \n").message == reason


def step(
    message: ChunkMessage, trouble: Trouble, time_left: float = 1e6
) -> Retry | GiveUp | Isolate:
    return next_step(POLICY, message, trouble, time_left, lambda low, high: high)


def test_a_failed_attempt_is_followed_by_the_next() -> None:
    assert step(MESSAGE, BROKEN) == Retry(replace(MESSAGE, attempt=2, hops=1), delay=4)
    second = replace(MESSAGE, attempt=2)
    assert step(second, BROKEN) == Retry(replace(MESSAGE, attempt=3, hops=1), delay=8)


def test_the_last_attempt_is_followed_by_error_lines() -> None:
    assert step(replace(MESSAGE, attempt=3), BROKEN) == GiveUp("ModelError", "broken")


def test_a_busy_model_costs_a_pause_and_no_attempt() -> None:
    last = replace(MESSAGE, attempt=3, pauses=2, hops=9)

    assert step(last, BUSY) == Retry(replace(last, pauses=3, hops=10), delay=16)


def test_pauses_begin_anew_with_the_next_attempt() -> None:
    paused = replace(MESSAGE, pauses=7, hops=7)

    assert step(paused, BROKEN) == Retry(replace(MESSAGE, attempt=2, hops=8), delay=4)


def test_a_wrong_request_is_not_repeated() -> None:
    assert step(MESSAGE, WRONG) == GiveUp("ModelError", "wrong", fatal=True)


def test_a_record_that_the_model_refuses_becomes_an_error_line() -> None:
    assert step(MESSAGE, replace(WRONG, of_records=True)) == GiveUp("ModelError", "wrong")


def test_of_several_records_that_the_model_refuses_the_guilty_one_is_looked_for() -> None:
    several = replace(MESSAGE, records=2)

    assert step(several, replace(WRONG, of_records=True)) == Isolate("ModelError", "wrong", False)


def test_records_that_fail_again_and_again_are_looked_at_one_by_one() -> None:
    several, broken = replace(MESSAGE, records=2), replace(BROKEN, of_records=True)

    assert isinstance(step(several, broken), Retry)
    assert step(replace(several, attempt=3), broken) == Isolate("ModelError", "broken", True)


def test_a_suspect_gets_one_attempt_unless_it_is_a_single_record() -> None:
    suspect, broken = replace(MESSAGE, suspect=True), replace(BROKEN, of_records=True)

    assert isinstance(step(suspect, broken), Retry)
    assert step(replace(suspect, records=2), broken) == Isolate("ModelError", "broken", True)


@pytest.mark.parametrize(
    ("code", "status"), [("RequestEntityTooLarge", 400), ("ValidationError", 413)]
)
def test_a_request_that_is_too_large_may_be_halved(code: str, status: int) -> None:
    trouble = call_trouble(code, status, "too large")

    assert step(replace(MESSAGE, records=2), trouble) == Isolate(code, "too large", False)


@pytest.mark.parametrize("code", ["WrongResultCount", "UnreadableResponse", "BadSelection"])
def test_an_answer_that_does_not_fit_is_blamed_on_the_records(code: str) -> None:
    assert answer_trouble(code, "odd").of_records
    assert not answer_trouble("AccessDenied", "no").of_records


@pytest.mark.parametrize("trouble", [BUSY, BROKEN])
def test_a_message_does_not_go_round_for_ever(trouble: Trouble) -> None:
    travelled = replace(MESSAGE, hops=HOP_BUDGET)

    assert step(travelled, trouble) == GiveUp(trouble.code, trouble.message)


@pytest.mark.parametrize(("time_left", "waits"), [(5, True), (4, False), (0, False), (-9, False)])
def test_nothing_is_sent_beyond_the_deadline(time_left: float, waits: bool) -> None:
    following = step(MESSAGE, BROKEN, time_left)

    assert isinstance(following, Retry) == waits
    if isinstance(following, GiveUp):
        assert following.code == "DeadlineExceeded"
        assert "ModelError" in following.message


@given(st.integers(1, 100), st.integers(0, 10**6), st.sampled_from([BUSY, BROKEN]))
def test_a_delay_is_one_that_sqs_takes(attempt: int, pauses: int, trouble: Trouble) -> None:
    message = replace(MESSAGE, attempt=attempt, pauses=pauses)
    policy = RetryPolicy(900, 100, 900, maximum_attempts=1000)

    following = next_step(policy, message, trouble, 1e9, lambda low, high: high)

    assert isinstance(following, Retry)
    assert 0 <= following.delay <= 900


def test_an_invocation_error_says_what_the_trouble_is() -> None:
    error = InvocationError(WRONG)

    assert (str(error), error.trouble) == ("ModelError: wrong", WRONG)
