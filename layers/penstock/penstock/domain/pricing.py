"""What a job costs beside the model: an estimate from counts and public prices.

US East (N. Virginia), on demand, 2026; the sources and their confidence stand in
docs/performance.md. Model hours, data transfer and free tiers are not in it.
"""

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

# Measured by `python -m benchmarks.requests`, rounded up; docs/performance.md has it call by call.
REQUESTS_PER_CHUNK = {
    "s3_put": 1.0,  # SageMaker's own output object
    "s3_get": 3.0,  # the records; the answer, to count it and to assemble it
    "sns_publish": 1.0,  # SageMaker's notification
    "sqs_request": 2.0,  # its delivery; sends, receives and deletes of batches, which vary
    "dynamodb_write_unit": 3.0,  # attempt, outcome, done-mark
    "dynamodb_read_unit": 1.25,  # chunk before the call, chunks again at assembly, job now and then
    "lambda_request": 0.5,
    "log_megabyte": 0.0012,
}
GB_SECONDS_PER_CHUNK = 0.10
"""Lambda time of one chunk on all its hops: measured processor time, assumed latencies."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What is counted of a job. `staged` invocations took their input from S3."""

    invocations: int
    staged: int


def estimated_dollars(usage: Usage) -> float:
    """US dollars for the AWS requests and the Lambda time of a job."""
    requests = sum(
        count * DOLLARS_PER_MILLION[name] / 1e6 for name, count in REQUESTS_PER_CHUNK.items()
    )
    staging = (DOLLARS_PER_MILLION["s3_put"] + DOLLARS_PER_MILLION["s3_get"]) / 1e6
    compute = GB_SECONDS_PER_CHUNK * LAMBDA_DOLLARS_PER_GB_SECOND
    return usage.invocations * (requests + compute) + usage.staged * staging
