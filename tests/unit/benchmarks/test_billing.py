"""From requests to billed quantities."""

import json
from collections import Counter
from typing import Any

import pytest

from benchmarks.billing import (
    LambdaUse,
    Line,
    Seen,
    billed,
    dollars,
    lines,
    quantities,
    units_by_kind,
)
from benchmarks.recording import Exchange
from benchmarks.wire import Operation

KEY = {"pk": {"S": "JOB#1#SEGMENT#0"}, "sk": {"S": "0"}}
JOB_KEY = {"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}}


def dynamodb(name: str, request: dict[str, Any], answer: dict[str, Any] | None = None) -> Exchange:
    operation = Operation("dynamodb", name)
    bodies = json.dumps(request).encode(), json.dumps(answer or {}).encode()
    return Exchange("InvokeModelFunction", operation, 200, *bodies)


def test_a_write_is_billed_by_the_size_that_the_item_came_to_have() -> None:
    items = {("JOB#1#SEGMENT#0", "0"): 1500}
    assert quantities(dynamodb("UpdateItem", {"Key": KEY}), items) == {"dynamodb_write_unit": 2}


def test_a_write_to_the_job_item_is_billed_again_for_the_index() -> None:
    items = {("JOB#1", "JOB"): 900}
    assert quantities(dynamodb("PutItem", {"Item": JOB_KEY}), items) == {"dynamodb_write_unit": 2}


def test_a_query_is_billed_by_what_all_its_items_weigh() -> None:
    answer = {"Items": [{"sk": {"S": "x" * 5000}}] * 2}
    exchange = dynamodb("Query", {"ConsistentRead": True}, answer)
    assert quantities(exchange, {}) == {"dynamodb_read_unit": 3}


def test_an_aborted_upload_is_free() -> None:
    operation = Operation("s3", "AbortMultipartUpload")
    assert quantities(Exchange("", operation, 204, b"", b""), {}) == {}


def test_what_lambdas_poller_and_sagemaker_ask_for_is_billed_as_well() -> None:
    seen = Seen(
        chunks=10,
        exchanges=[],
        items={},
        functions={"InvokeModelFunction": LambdaUse(invocations=2, log_bytes=3_000_000)},
        inferences=Counter(answers_written=10, inputs_read=0, notifications_sent=10),
    )
    assert billed(seen) == {
        "lambda_request": 2,
        "sqs_request": 2 * 2 + 10,
        "s3_put": 10,
        "s3_get": 0,
        "sns_publish": 10,
        "log_megabyte": 3,
    }


def test_units_are_told_by_what_the_item_is() -> None:
    lane = {"pk": {"S": "ENDPOINT#demo#0"}, "sk": {"S": "LANE"}}
    exchanges = [
        dynamodb("UpdateItem", {"Key": KEY}),
        dynamodb("UpdateItem", {"Key": KEY}),
        dynamodb("UpdateItem", {"Key": lane}),
        dynamodb("UpdateItem", {"Key": JOB_KEY}),
        dynamodb("GetItem", {"Key": KEY}),
    ]
    assert units_by_kind(Seen(1, exchanges, {}, {})) == {
        ("chunk", "dynamodb_write_unit"): 2,
        ("permits", "dynamodb_write_unit"): 1,
        ("job", "dynamodb_write_unit"): 2,
        ("chunk", "dynamodb_read_unit"): 0.5,
    }


def test_two_jobs_tell_what_a_chunk_takes_and_what_a_job_takes() -> None:
    found = lines((256, {"s3_get": 770.0}), (768, {"s3_get": 2306.0, "event": 512.0}))
    assert found == {"s3_get": Line(2, 3), "event": Line(-256, 1)}


def test_a_price_a_million_times_an_amount_a_chunk_is_the_price_of_a_million_chunks() -> None:
    assert dollars({"s3_put": 2.0}, {"s3_put": 5.0}) == {"s3_put": pytest.approx(10.0)}


def test_gb_seconds_are_billed_time_times_memory() -> None:
    assert LambdaUse(billed_ms=2000, gigabytes=1.5).gb_seconds == 3.0
