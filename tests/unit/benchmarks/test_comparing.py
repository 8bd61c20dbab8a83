"""Inference types side by side."""

from collections import Counter

import pytest

from benchmarks.aws import Function
from benchmarks.billing import LambdaUse, Seen
from benchmarks.comparing import Measured, costs_of_a_million, invocations, report, times
from benchmarks.recording import Exchange
from benchmarks.watching import own_counts
from benchmarks.wire import Operation
from penstock.domain.pricing import LAMBDA_DOLLARS_PER_GB_SECOND

FUNCTIONS = {"InvokeModel": Function(timeout=60, gigabytes=2.0, batch=10, concurrency=5)}


def seen(chunks: int, *operations: Operation, seconds: float = 1.0) -> Seen:
    """A job that makes these requests for each of its chunks, and a batch of ten takes one run."""
    exchanges = [Exchange("InvokeModelFunction", each, 200, b"", b"") for each in operations]
    use = LambdaUse(invocations=-(-chunks // 10), gigabytes=2.0)
    return Seen(chunks, exchanges * chunks, {}, {"InvokeModelFunction": use}, seconds=seconds)


def measured(*operations: Operation, seconds: float = 1.0) -> Measured:
    few, many = seen(10, *operations), seen(30, *operations)
    return Measured(seen(1), seen(100, seconds=seconds), few, many, FUNCTIONS)


CALL = Operation("sagemaker", "InvokeEndpoint")
GET = Operation("s3", "GetObject")


def test_the_requests_of_a_chunk_are_told_by_who_makes_them() -> None:
    found = measured(CALL, GET, GET).requests
    assert found["InvokeModelFunction", "sagemaker InvokeEndpoint"] == pytest.approx(1.0)
    assert found["InvokeModelFunction", "s3 GetObject"] == pytest.approx(2.0)


def test_a_second_of_the_model_is_a_tenth_of_a_second_of_lambda_for_each_call() -> None:
    a_second = 2.0 / 10 * LAMBDA_DOLLARS_PER_GB_SECOND * 1e6
    assert measured(CALL).dollars_per_model_second == pytest.approx(a_second)
    assert measured(CALL, CALL).dollars_per_model_second == pytest.approx(2 * a_second)
    assert measured(GET).dollars_per_model_second == 0.0


def test_the_time_of_each_type_is_compared_with_the_asynchronous_one() -> None:
    *_, other, base = times(
        {"realtime": measured(seconds=5.0), "asynchronous": measured(seconds=4)}
    )
    assert other == "| realtime | 1.00 | 5.0 | 1.25 |"
    assert base == "| asynchronous | 1.00 | 4.0 | 1.00 |"


def test_invocations_are_told_by_function_under_the_names_of_the_documents() -> None:
    lines = list(invocations({"realtime": measured()}, "the large file", lambda each: each.large))
    assert lines[1] == "| type | invoke_model | all |"
    assert lines[-1] == "| realtime | 10 | 10 |"


def test_dollars_are_those_of_a_million_chunks() -> None:
    *_, line = costs_of_a_million({"realtime": measured(GET)})
    assert "| 0.40 |" in line


def test_what_sagemaker_does_itself_is_counted_but_for_answers_within_the_call() -> None:
    stats = {
        "endpoints": {"a": {"notifications_sent": 3}, "real-time": {"notifications_sent": 0}},
        "transform_jobs": {"t": {"model_invocations": 4}},
    }
    assert own_counts(stats) == Counter(notifications_sent=3, answers_written=7, inputs_read=4)


def test_a_report_has_a_row_for_each_type_in_each_table_but_one() -> None:
    lines = list(report({"asynchronous": measured(CALL), "realtime": measured(GET)}))
    assert sum(each.startswith("| realtime |") for each in lines) == 5
