"""The cost estimate of the manifest is what one chunk was measured to take, times its chunks."""

import pytest

from penstock.domain import pricing
from penstock.domain.invoke import Invoke
from penstock.domain.job import Job, JobStatus, Source, Tally
from penstock.domain.manifest import Effort, Ending, build_manifest
from penstock.domain.pipeline import Pipeline


def estimate(effort: Effort) -> float:
    job = Job(
        job_id="0" * 20,
        source=Source("input", "rows.csv", 1, "etag"),
        pipeline=Pipeline(invoke=Invoke(endpoint="demo"), source="_pipeline.yaml"),
        region_bytes=1,
        created_at=0.0,
    )
    ending = Ending(JobStatus.SUCCEEDED, None, Tally(1, 0), effort, 1.0, {})
    return float(build_manifest(job, ending)["cost_estimate"]["usd"])


def test_the_manifests_estimate_is_that_of_the_measured_requests_and_lambda_time() -> None:
    requests = sum(
        count * pricing.DOLLARS_PER_MILLION[name]
        for name, count in pricing.REQUESTS_PER_CHUNK.items()
    )
    compute = pricing.GB_SECONDS_PER_CHUNK * pricing.LAMBDA_DOLLARS_PER_GB_SECOND * 1e6
    assert estimate(Effort(attempts=1_000_000)) == pytest.approx(requests + compute)


def test_every_invocation_counts_also_one_that_was_tried_again() -> None:
    one, three = (estimate(Effort(attempts=count)) for count in (1_000_000, 3_000_000))
    assert three == pytest.approx(3 * one)


def test_a_request_that_went_through_s3_costs_a_write_and_a_read_more() -> None:
    more = estimate(Effort(attempts=10_000, staged=10_000)) - estimate(Effort(attempts=10_000))
    assert more == pytest.approx(10_000 * 5.4e-6)


def test_a_million_chunks_cost_no_more_than_twelve_dollars() -> None:
    assert estimate(Effort(attempts=1_000_000)) <= 12.0


def test_a_chunk_takes_no_more_than_four_write_units() -> None:
    assert pricing.REQUESTS_PER_CHUNK["dynamodb_write_unit"] <= 4
