"""A bad record costs only itself, and finding it costs few invocations."""

import itertools
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.probation import SAMPLE
from tests.unit.use_cases.test_failed_records import error_codes
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Failed,
    Predict,
    Request,
    Response,
    World,
    model,
    predict,
)

BAD = "bad"
FEW_ATTEMPTS = "retry: {maximum_attempts: 3}\n"


def refusing(body: bytes, request: Request) -> Response:
    """A model that refuses a request with a bad record in it, and says which."""
    bad = [line for line in body.decode().splitlines() if line.startswith(BAD)]
    return Failed(CLIENT_ERROR, f"no {bad[0]}".encode()) if bad else model(body, request)


def crashing(body: bytes, request: Request) -> Response:
    return Failed(SERVER_ERROR) if BAD.encode() in body else model(body, request)


def file_of(records: int, bad: set[int]) -> bytes:
    return b"".join(b"%s%d\n" % (b"bad" if i in bad else b"r", i) for i in range(records))


def run(
    records: int, bad: set[int], chunk: int, predict: Predict = refusing, more: str = ""
) -> World:
    pipeline = f"invoke: {{endpoint: demo}}\nchunk: {{max_records: {chunk}}}\n{more}"
    world = World(predict, pipeline=pipeline, region_bytes=10**6)
    world.drop("rows.txt", file_of(records, bad))
    return world.run()


def assert_isolated(world: World, records: int, bad: set[int]) -> None:
    lines = world.lines("rows.txt")
    assert [error_codes([line])[0] is not None for line in lines] == [
        number in bad for number in range(records)
    ]
    assert all(lines[i] == predict(f"r{i}") for i in range(records) if i not in bad)
    assert [error["record"] for error in world.errors("rows.txt")] == sorted(bad)


def test_a_bad_record_is_found_and_its_neighbours_are_predicted() -> None:
    world = run(100, {37}, chunk=100)

    assert_isolated(world, 100, {37})
    (error,) = world.errors("rows.txt")
    assert (error["error"], error["message"], error["input"]) == ("ModelError", "no bad37", "bad37")
    assert world.manifest("rows.txt")["status"] == "PARTIAL"
    assert world.manifest("rows.txt")["attempts"] == len(world.model.requests)


@pytest.mark.parametrize("place", [0, 1, 499, 500, 998, 999])
def test_one_bad_record_of_1000_costs_21_more_invocations_at_most(place: int) -> None:
    world = run(1000, {place}, chunk=1000)

    assert_isolated(world, 1000, {place})
    assert len(world.model.requests) <= 1 + 21


@given(st.data())
def test_k_bad_records_of_m_cost_2_k_log2_m_plus_k_at_most(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40), "records in a chunk")
    chunks = data.draw(st.integers(1, 4), "chunks")
    numbers = st.integers(0, size * chunks - 1)
    bad = data.draw(st.sets(numbers, max_size=size * chunks // 2), "bad records")

    world = run(size * chunks, bad, chunk=size)

    extra = 2 * len(bad) * ceil(log2(size)) + len(bad)
    assert len(world.model.requests) <= chunks + extra
    if bad:
        assert_isolated(world, size * chunks, bad)


def test_a_record_that_crashes_the_model_is_found_after_its_chunk_failed_again_and_again() -> None:
    world = run(64, {5}, chunk=32, predict=crashing, more=FEW_ATTEMPTS)

    assert_isolated(world, 64, {5})
    # Two chunks, two more attempts of one, halves with one attempt each, two more of the record.
    assert len(world.model.requests) <= 2 + 2 + 2 * 5 + 2
    assert world.errors("rows.txt")[0]["attempts"] == 3


def test_a_model_that_answers_too_few_results_for_one_record_costs_that_record() -> None:
    def forgetful(body: bytes, request: Request) -> Response:
        kept = [line for line in body.splitlines() if not line.startswith(b"bad")]
        return model(b"".join(line + b"\n" for line in kept), request) if kept else b""

    world = run(16, {9}, chunk=16, predict=forgetful)

    assert_isolated(world, 16, {9})
    assert world.errors("rows.txt")[0]["error"] == "WrongResultCount"


def test_quoted_newlines_and_blank_lines_are_halved_at_records() -> None:
    body = b'1,"a\nb"\n\n2,bad\r\n\n3,"x\n\ny"\n4,d\n'
    world = World(
        lambda text, request: Failed(CLIENT_ERROR) if b"bad" in text else model(text, request)
    )
    world.drop("rows.csv", body)

    world.run()

    assert error_codes(world.lines("rows.csv")) == [None, "ModelError", None, None]
    (error,) = world.errors("rows.csv")
    assert body[error["start"] : error["end"]] == b"2,bad"


def test_a_model_that_refuses_everything_is_found_out_early() -> None:
    world = run(20_000, set(range(20_000)), chunk=1000)
    world.sweep_until(300)

    assert len(world.model.requests) < 20 + 4 * SAMPLE
    manifest = world.manifest("rows.txt")
    assert manifest["status"] == "FAILED"
    assert manifest["failure"]["code"] == "TooManyFailures"
    assert "no bad" in manifest["failure"]["message"]
    assert manifest["records"] == {"total": 20_000, "succeeded": 0, "failed": 20_000}
    codes = {error["error"] for error in world.errors("rows.txt")}
    assert codes == {"ModelError", "TooManyFailures"}


def test_a_model_that_crashes_on_everything_is_found_out_early() -> None:
    world = run(4000, set(range(4000)), chunk=500, predict=crashing, more=FEW_ATTEMPTS)
    world.sweep_until(600)

    # Three attempts of each chunk; of a sample, which has up to 128 records, three of each, too.
    assert len(world.model.requests) < 3 * 8 + 2 * (3 + 1) * SAMPLE
    assert world.manifest("rows.txt")["failure"]["code"] == "TooManyFailures"


def test_a_model_that_refuses_single_records_is_found_out_early() -> None:
    seconds = itertools.count()
    world = World(
        refusing,
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 1}\n",
        region_bytes=10**6,
        delays=lambda queue: [next(seconds)] if queue == "invoke" else [0.0],
    )
    world.drop("rows.txt", file_of(500, set(range(500))))

    world.run().sweep_until(300)

    assert len(world.model.requests) == SAMPLE
    assert world.manifest("rows.txt")["failure"]["code"] == "TooManyFailures"


@pytest.mark.parametrize("good", [0, 127, 200, 399])
def test_one_good_record_among_400_is_found(good: int) -> None:
    """Unless 64 others in a row were tried before it, and all of them failed."""
    bad = set(range(400)) - {good}

    world = run(400, bad, chunk=40)
    world.sweep_until(300)

    if world.job_of("rows.txt").stop is None:
        assert_isolated(world, 400, bad)
    else:
        assert good > SAMPLE


def test_chunks_that_fail_wait_until_the_model_has_predicted_something() -> None:
    """The first chunk is all bad, so is half of each other one: all get through in the end."""
    bad = {*range(40), *(number for number in range(40, 400) if number % 2)}

    world = run(400, bad, chunk=40)

    assert_isolated(world, 400, bad)


def test_a_job_beyond_its_tolerance_is_stopped_before_the_whole_file_was_bisected() -> None:
    bad = set(range(0, 5000, 2))

    world = run(5000, bad, chunk=250, more="tolerated_failure_percentage: 2\n")
    world.sweep_until(300)

    manifest = world.manifest("rows.txt")
    assert (manifest["status"], manifest["failure"]["code"]) == ("FAILED", "TooManyFailures")
    assert "2% are tolerated" in manifest["failure"]["message"]
    assert manifest["records"]["succeeded"] > 0
    assert manifest["records"]["total"] == 5000


def test_a_job_within_its_tolerance_is_not_stopped() -> None:
    bad = {7, 900}

    world = run(1000, bad, chunk=100, more="tolerated_failure_percentage: 0.2\n")

    assert_isolated(world, 1000, bad)
    assert world.manifest("rows.txt")["status"] == "PARTIAL"


def test_chunks_that_fail_in_an_outage_wait_for_it_to_end() -> None:
    """One of them is looked at meanwhile, in case it is to blame."""
    world = World(
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 8}\n"
        "retry: {maximum_attempts: 2, initial_interval: 60s}\n",
        region_bytes=10**6,
    )
    outage = (world.clock(), world.clock() + 180)
    served = itertools.count()

    def down_for_a_while(body: bytes, request: Request) -> Response:
        if next(served) >= 4 and outage[0] <= world.clock() < outage[1]:
            return Failed(SERVER_ERROR)
        return model(body, request)

    world.predict = down_for_a_while
    world.drop("rows.txt", file_of(800, set()))

    world.run()

    assert world.manifest("rows.txt")["status"] == "PARTIAL"
    assert world.manifest("rows.txt")["records"]["failed"] <= 8
