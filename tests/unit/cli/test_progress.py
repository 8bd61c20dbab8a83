from dataclasses import replace
from typing import Any

import pytest

from penstock.domain.job import Failure, JobStatus
from penstock_cli.pace import Pace
from penstock_cli.progress import Meter, Progress, final_sizes, progress
from tests.unit.cli.world import STACK, finished, job_of, running


@pytest.fixture
def meter(world):
    return Meter(world.dynamodb, STACK.table)


def test_while_splitting_the_regions_are_counted(world, meter):
    job = job_of(region_bytes=100_000)
    world.mark(job.job_id, "regions", 0, 5, 12)

    assert meter.read(job) == Progress(JobStatus.SPLITTING, regions_done=3, regions_total=13)


def test_regions_of_a_large_file_are_counted_over_all_nodes_of_their_tree(world, meter):
    job = job_of(region_bytes=1_234_567 // 600)
    world.mark(job.job_id, "regions", 0, 255)
    world.mark(job.job_id, "regions", 7, node=2)

    assert meter.read(job).regions_done == 3


def test_records_are_in_proportion_to_the_settled_chunks(world, meter):
    job = running(job_of(), records=9_500, chunks=10)
    world.mark(job.job_id, "chunks.00000", 0, 3, 9)

    seen = meter.read(job)

    assert (seen.chunks_done, seen.records_done, seen.records_total) == (3, 2_850, 9_500)


def test_a_segment_of_one_chunk_counts_when_it_is_reported_itself(world, meter):
    job = running(job_of(), records=300, chunks=3, segments=2)
    world.mark(job.job_id, "chunks.00000", 1)
    world.mark(job.job_id, "segments", 1)

    assert meter.read(job).chunks_done == 2


class Counting:
    """DynamoDB that notes how many keys it was asked for."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self.keys: list[int] = []

    def batch_get_item(self, **request: Any) -> Any:
        self.keys.append(len(request["RequestItems"][STACK.table]["Keys"]))
        return self.dynamodb.batch_get_item(**request)


def test_finished_segments_are_not_read_again(world):
    job = running(job_of(), records=1_000, chunks=10, segments=3)
    world.mark(job.job_id, "chunks.00000", *range(4))
    world.mark(job.job_id, "chunks.00001", 0)
    world.mark(job.job_id, "segments", 0)
    counting = Counting(world.dynamodb)
    meter = Meter(counting, STACK.table)

    first = meter.read(job)
    world.mark(job.job_id, "chunks.00001", 1)
    second = meter.read(job)

    assert (first.chunks_done, second.chunks_done) == (5, 6)
    assert counting.keys == [1, 3, 1, 2]


def test_more_segments_than_one_call_may_ask_for_are_read_in_batches(world, meter):
    job = running(job_of(), records=10_000, chunks=1_000, segments=250)
    for segment in range(0, 250, 10):
        world.mark(job.job_id, f"chunks.{segment:05d}", 0, 1)

    assert meter.read(job).chunks_done == 50


def test_keys_that_dynamodb_left_unprocessed_are_asked_for_again(world):
    job = running(job_of(), records=10, chunks=10)
    world.mark(job.job_id, "chunks.00000", 0, 1)

    class Busy:
        def __init__(self) -> None:
            self.calls = 0

        def batch_get_item(self, **request: Any) -> Any:
            self.calls += 1
            if self.calls == 1:
                return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}
            return world.dynamodb.batch_get_item(**request)

    assert Meter(Busy(), STACK.table).read(job).chunks_done == 2


def test_nothing_is_read_for_a_job_that_is_over():
    assert Meter(None, "").read(finished(running(job_of(), 500, 5))).records_done == 500


def test_all_records_are_done_while_the_output_is_put_together():
    assembling = replace(running(job_of(), 500, 5), status=JobStatus.ASSEMBLING)

    assert progress(assembling).records_done == 500


def test_a_job_that_failed_before_it_was_split_has_no_totals():
    failed = job_of(status=JobStatus.FAILED, failure=Failure("InvalidPipeline", "line 1"))

    assert progress(failed).records_total is None


def test_an_input_without_records_is_done():
    assert progress(running(job_of(), 0, 0)).records_done == 0


def test_a_finished_segment_without_a_done_set_had_one_chunk():
    assert final_sizes({0: 7, 1: 0, 2: 3}, frozenset({0, 1})) == {0: 7, 1: 1}


def test_the_pace_is_that_of_the_last_minute():
    pace = Pace()
    for second in range(0, 200, 10):
        done = 1_000 if second < 100 else 1_000 + 50 * (second - 100)
        pace.see(second, Progress(JobStatus.RUNNING, records_done=done, records_total=9))

    assert pace.records_per_second == 50
    assert pace.seconds_left(Progress(records_done=5_500, records_total=6_500)) == 20


def test_the_pace_is_measured_from_the_moment_that_the_records_are_known():
    pace = Pace()
    pace.see(0, Progress(JobStatus.SPLITTING))
    pace.see(10, Progress(JobStatus.RUNNING, records_done=0, records_total=100))
    pace.see(20, Progress(JobStatus.RUNNING, records_done=50, records_total=100))

    assert pace.records_per_second == 5


def test_nothing_is_said_of_the_time_left_before_anything_is_done():
    pace = Pace()
    unknown = Progress(JobStatus.RUNNING, records_total=10)
    before = pace.seconds_left(unknown)
    pace.see(1.0, unknown)

    assert before is None
    assert pace.seconds_left(unknown) is None
