"""What a job costs beside the model: an estimate from counts and public prices.

US East (N. Virginia), on demand, 2026; the sources and their confidence stand in
docs/performance.md. Model hours, data transfer and free tiers are not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DOLLARS_PER_MILLION = {
    "s3_put": 5.00,
    "s3_get": 0.40,
    "sqs_request": 0.40,
    "sns_publish": 0.50,
    "dynamodb_write_unit": 0.625,
    "dynamodb_read_unit": 0.125,
    "lambda_request": 0.20,
    "event": 1.00,
    "log_megabyte": 500.00,
}
LAMBDA_DOLLARS_PER_GB_SECOND = 0.0000133334

INLINE_LIMIT = 128_000
"""Bytes of InvokeEndpointAsync's inline Body; larger requests go through S3."""

# By `python -m benchmarks.requests` (async) and `benchmarks.inference_types` (the others, with the
# local stack's window for transform jobs), rounded up; docs/performance.md has it call by call. Of
# chunks that get their permit when they ask: how many ask in vain is the endpoint's affair.
REQUESTS_PER_CHUNK: Mapping[str, Mapping[str, float]] = {
    "async": {
        "s3_put": 1.0,  # SageMaker's own output object
        "s3_get": 3.0,  # the records; the answer, to count it and to assemble it
        "sns_publish": 1.0,  # SageMaker's notification
        "sqs_request": 2.0,  # its delivery; sends, receives and deletes of batches, which vary
        "dynamodb_write_unit": 3.5,  # attempt, outcome, done-mark; permits
        "dynamodb_read_unit": 1.35,  # chunk before the call, chunks at assembly, job and permits
        "lambda_request": 0.5,
        "log_megabyte": 0.0012,
    },
    "realtime": {
        "s3_put": 1.0,  # the answer
        "s3_get": 2.0,  # the records; the answer, to assemble it
        "sqs_request": 0.35,  # sends, receives and deletes of batches
        "dynamodb_write_unit": 3.3,  # attempt, outcome, done-mark; permits
        "dynamodb_read_unit": 1.35,
        "lambda_request": 0.15,
        "log_megabyte": 0.0012,
    },
    "transform": {
        "s3_put": 2.1,  # the chunk's payload; SageMaker's own output object
        "s3_get": 4.1,  # records, payload by SageMaker; the answer, to count it and to assemble it
        "sqs_request": 0.7,
        "dynamodb_write_unit": 3.1,  # attempt, outcome, done-mark; the transform job
        "dynamodb_read_unit": 2.8,  # each look at a group reads its open chunks
        "lambda_request": 0.25,
        "log_megabyte": 0.0012,
    },
}
GB_SECONDS_PER_CHUNK: Mapping[str, float] = {"async": 0.10, "realtime": 0.10, "transform": 0.09}
"""Lambda time of one chunk on all its hops: measured processor time, assumed latencies.

In real time the function waits for the model: 0.1 seconds, ten calls side by side.
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is counted of a job. `staged` invocations took their input from S3.

    The chunks of a transform job always do; in real time none does.
    """

    invocations: int
    staged: int


def estimated_dollars(usage: Usage, mode: str) -> float:
    """US dollars for the AWS requests and the Lambda time of a job.

    Where the mode was never chosen, nothing was invoked.
    """
    if not usage.invocations:
        return 0.0
    requests = sum(
        count * DOLLARS_PER_MILLION[name] / 1e6 for name, count in REQUESTS_PER_CHUNK[mode].items()
    )
    compute = GB_SECONDS_PER_CHUNK[mode] * LAMBDA_DOLLARS_PER_GB_SECOND
    staged = usage.staged * _STAGING if mode == "async" else 0.0
    return usage.invocations * (requests + compute) + staged


_STAGING = (DOLLARS_PER_MILLION["s3_put"] + DOLLARS_PER_MILLION["s3_get"]) / 1e6
