"""The cost estimate of the manifest is what one chunk was measured to take, times its chunks."""

import pytest

from penstock.domain import pricing
from penstock.domain.invoke import LONGEST_INVOCATION, Invoke
from penstock.domain.job import Job, JobStatus, Source, Tally
from penstock.domain.manifest import Effort, Ending, build_manifest
from penstock.domain.pipeline import Pipeline

MODES = sorted(set(LONGEST_INVOCATION) - {"auto"})
MILLION = Effort(attempts=1_000_000)


def estimate(effort: Effort, mode: str = "async") -> float:
    job = Job(
        job_id="0" * 20,
        source=Source("input", "rows.csv", 1, "etag"),
        pipeline=Pipeline(invoke=Invoke(endpoint="demo", mode=mode), source="_pipeline.yaml"),
        region_bytes=1,
        created_at=0.0,
    )
    ending = Ending(JobStatus.SUCCEEDED, None, Tally(1, 0), effort, 1.0, {})
    return float(build_manifest(job, ending)["cost_estimate"]["usd"])


@pytest.mark.parametrize("mode", MODES)
def test_the_manifests_estimate_is_that_of_the_measured_requests_and_lambda_time(mode: str) -> None:
    requests = sum(
        count * pricing.DOLLARS_PER_MILLION[name]
        for name, count in pricing.REQUESTS_PER_CHUNK[mode].items()
    )
    compute = pricing.GB_SECONDS_PER_CHUNK[mode] * pricing.LAMBDA_DOLLARS_PER_GB_SECOND * 1e6
    assert estimate(MILLION, mode) == pytest.approx(requests + compute)


@pytest.mark.parametrize("mode", MODES)
def test_every_invocation_counts_also_one_that_was_tried_again(mode: str) -> None:
    three = Effort(attempts=3_000_000)
    assert estimate(three, mode) == pytest.approx(3 * estimate(MILLION, mode))


def test_a_request_that_went_through_s3_costs_a_write_and_a_read_more() -> None:
    more = estimate(Effort(attempts=10_000, staged=10_000)) - estimate(Effort(attempts=10_000))
    assert more == pytest.approx(10_000 * 5.4e-6)


@pytest.mark.parametrize("mode", ["realtime", "transform"])
def test_only_asynchronous_requests_are_dearer_when_they_are_large(mode: str) -> None:
    """In real time they go with the call; those of transform jobs go through S3 in any case."""
    large = Effort(attempts=10_000, staged=10_000)
    assert estimate(large, mode) == estimate(Effort(attempts=10_000), mode)


def test_a_job_that_failed_before_its_mode_was_chosen_costs_nothing() -> None:
    assert estimate(Effort(), "auto") == 0.0


@pytest.mark.parametrize("mode", ["async", "realtime"])
def test_a_million_chunks_cost_no_more_than_twelve_dollars(mode: str) -> None:
    assert estimate(MILLION, mode) <= 12.0


@pytest.mark.parametrize("mode", MODES)
def test_a_chunk_takes_no_more_than_four_write_units(mode: str) -> None:
    assert pricing.REQUESTS_PER_CHUNK[mode]["dynamodb_write_unit"] <= 4
