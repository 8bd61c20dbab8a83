from penstock.adapters import items
from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job, Redrive
from penstock.domain.segment_result import SegmentResult
from penstock.use_cases.pieces import piece_key
from penstock_cli.ports import job_table
from tests.unit.cli.world import STACK, World, finished, job_of, running


def half_done(world: World) -> Job:
    """One segment of 3 records is assembled; of the next, the first chunk of 2 is settled."""
    job = world.put(running(job_of(), records=10, chunks=5, segments=3))
    table = job_table(world.connection, world.time.now)
    table.put_segment_result(job.job_id, SegmentResult(0, 3, 0, 0, 1, 0, 0, 6, 0))
    put_work(world, piece_key(job.job_id, 0, "out"), b"1\n2\n3\n")
    settle(world, job, 0, b"4\n5\n")
    settle(world, job, 2, b"8\n9\n")
    return job


def settle(world: World, job: Job, chunk: int, body: bytes) -> None:
    key = f"async/output/{chunk}.out"
    message = ChunkMessage(job.job_id, 1, chunk, 0, 4, 2, 3 + 2 * chunk, chunks=3)
    outcome = Outcome("predictions", 1, 0.0, f"s3://work/{key}", "text/csv")
    state = ChunkState(ChunkPath(1, chunk), message, inference_id="x")
    world.dynamodb.put_item(
        TableName=STACK.table,
        Item=items.chunk_key(job.job_id, state.path)
        | items.chunk_fields(state)
        | {"outcome": items.outcome_attribute(outcome)},
    )
    put_work(world, key, body)


def put_work(world: World, key: str, body: bytes) -> None:
    world.s3.put_object(Bucket="work", Key=key, Body=body)


def test_a_running_job_gives_what_it_has_without_a_gap(world):
    job = half_done(world)

    result = world.penstock("results", "digits.csv", "--partial")

    assert result.exit_code == 0
    assert result.stdout_bytes == b"1\n2\n3\n4\n5\n"
    assert result.stderr == f"5 of 10 records (50%); job {job.job_id} is RUNNING\n"


def test_a_partial_output_may_go_to_a_file(world, tmp_path):
    job = half_done(world)

    result = world.penstock("results", job.job_id, "--partial", "-o", tmp_path / "so-far.csv")

    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "so-far.csv").read_bytes() == b"1\n2\n3\n4\n5\n"


def test_a_job_that_is_not_split_has_nothing_yet(world):
    job = world.put(job_of())

    result = world.penstock("results", job.job_id, "--partial")

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        f"0 of a number of records that is not known yet; job {job.job_id} is SPLITTING\n"
    )


def test_of_a_job_that_has_ended_all_is_given(world):
    job = world.put(finished(running(job_of(), 2, 1)))
    world.deliver(job, predictions=b"1\n2\n")

    result = world.penstock("results", job.job_id, "--partial")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "1\n2\n", "")


def test_a_piece_that_has_expired_is_told(world):
    job = half_done(world)
    world.s3.delete_object(Bucket="work", Key=piece_key(job.job_id, 0, "out"))

    result = world.penstock("results", job.job_id, "--partial")

    assert result.exit_code == 1
    assert "00000.out does not exist (any more)" in result.stderr


def test_a_redrive_has_nothing_partial(world):
    source = job_of().source
    redrive = Redrive("b" * 20, source, source, source, source, records=9, failed=2)
    job = world.put(running(job_of(redrive=redrive), 2, 1))

    result = world.penstock("results", job.job_id, "--partial")

    assert result.exit_code == 1
    assert "into the output of an earlier job" in result.stderr


def test_only_predictions_are_partial(world):
    half_done(world)

    result = world.penstock("results", "digits.csv", "--partial", "--errors")

    assert result.exit_code == 2
    assert result.stderr == "Error: --partial is of the predictions: leave --errors out\n"
