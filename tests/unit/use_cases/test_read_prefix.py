"""What is known of an output while its job runs is what the output will begin with."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.selection import compile_selection
from penstock.use_cases.read_prefix import Prefix, ReadPrefix
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Due,
    Failed,
    Request,
    Response,
    World,
    model,
    predict,
)

BODIES = {
    "csv": b'id,note\n1,"a\nb"\n2,bad\n\n3,\xff\n4,"again\n\n, and ""again"""\n5,retry\n6,bad\n'
    b"7,x\n8,y\n9,z\n",
    "jsonl": b'{"a":1}\n"bad"\n{"a":\n\nnot json\n[2]\n"retry"\n\xff\n3\n4\n"bad"\n5\n',
    "txt": b"one\nbad\n\nretry\n\xff\nthree\nfour\nbad\nbad\nfive\nsix\nseven\n",
}


def moody(body: bytes, request: Request) -> Response:
    """Refuses `bad`, and fails a first attempt on `retry`. Knows a header."""
    if b"bad" in body:
        return Failed(CLIENT_ERROR, b"I don't like `bad`")
    if b"retry" in body and ":1:" in request.inference_id:
        return Failed(SERVER_ERROR)
    return model(body.removeprefix(b"id,note\n"), request)


def reader(world: World) -> ReadPrefix:
    return ReadPrefix(world.objects, world.table, compile_selection, "work")


def looks(world: World, job_id: str, *queues: str) -> list[tuple[Prefix, bytes]]:
    """Runs the world; what could be read before each delivery, or each one of these queues."""
    read, found = reader(world), []

    def look(due: Due) -> None:
        job = world.table.get_job(job_id)
        if job and (not queues or due.queue in ("", *queues)):
            prefix = read.find(job)
            found.append((prefix, b"".join(read.read(prefix))))

    world.before_delivery = look
    world.run()
    look(Due(0, 0, "", {}))
    return found


def disorderly(seed: int):
    chance = random.Random(seed)
    return lambda _queue: [chance.uniform(0, 60) for _ in range(chance.choice([1, 1, 2]))]


pipelines = st.builds(
    "invoke: {{endpoint: demo}}\ninput: {{header: {}}}\nchunk: {{max_records: {}}}\n"
    "output: {{join: {}, on_error: {}}}\nretry: {{maximum_attempts: 3}}\n".format,
    st.sampled_from(["send", "false"]),
    st.integers(1, 6),
    st.sampled_from(["none", "input"]),
    st.sampled_from(["inline", "omit", "fail"]),
)


@given(
    ending=st.sampled_from(sorted(BODIES)),
    pipeline=pipelines,
    region_bytes=st.sampled_from([7, 24, 60, 10_000]),
    seed=st.integers(0, 10**6),
)
def test_at_any_moment_the_partial_output_is_what_the_final_one_begins_with(
    ending: str, pipeline: str, region_bytes: int, seed: int
) -> None:
    delays = disorderly(seed)
    world = World(moody, pipeline=pipeline, region_bytes=region_bytes, delays=delays)
    key = f"rows.{ending}"

    found = looks(world, world.drop(key, BODIES[ending]))

    final = world.output(key)
    bodies = [body for _, body in found]
    assert all(final.startswith(body) for body in bodies)
    assert bodies == sorted(bodies, key=len)
    assert bodies[-1] == final
    numbers = [prefix.records for prefix, _ in found]
    assert numbers == sorted(numbers)
    assert numbers[-1] == world.manifest(key)["records"]["total"]


def test_each_record_that_is_told_of_has_its_line() -> None:
    world = World(moody, pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 2}\n")

    found = looks(world, world.drop("rows.txt", BODIES["txt"]))

    assert all(prefix.records == body.count(b"\n") for prefix, body in found)
    assert len({prefix.records for prefix, _ in found}) >= 4


def test_a_chunk_that_is_settled_out_of_turn_waits_for_those_before_it() -> None:
    slow = iter([100.0, 0.0, 50.0])
    world = World(
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 1}\n",
        delays=lambda queue: [next(slow)] if queue == "results" else [0.0],
    )

    found = looks(world, world.drop("rows.txt", b"1\n2\n3\n"))

    assert dict.fromkeys(prefix.records for prefix, _ in found) == {0: None, 3: None}


def test_segments_that_are_assembled_come_from_their_pieces_and_the_next_from_its_chunks() -> None:
    world = World(
        pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 1}\n",
        region_bytes=10**6,
        delays=iter_delays,
    )
    rows = [str(number) for number in range(300)]
    job_id = world.drop("rows.txt", "".join(f"{row}\n" for row in rows).encode())
    # Thousands of times a chunk asks for a permit in vain, which changes nothing.
    found = looks(world, job_id, "results", "assemble")

    between = [each for each in found if each[0].segments == 1 and each[0].chunks]
    (first,) = {prefix.records - len(prefix.chunks) for prefix, _ in between}

    assert first == world.table.results[job_id, 0].succeeded
    for prefix, body in between:
        assert body.decode().splitlines() == [predict(row) for row in rows[: prefix.records]]


_seconds = iter(range(10**9))


def iter_delays(queue: str) -> list[float]:
    """Answers come one after the other, and pieces at once."""
    return [float(next(_seconds))] if queue == "results" else [0.0]


def test_segments_behind_a_gap_are_not_read() -> None:
    world = World(pipeline="invoke: {endpoint: demo}\n", region_bytes=4)
    job_id = world.drop("rows.txt", b"1\n2\n3\n4\n5\n6\n")
    world.run()
    del world.table.results[job_id, 1]
    del world.table.chunks[job_id, min(p for j, p in world.table.chunks if p.segment == 1)]

    prefix = reader(world).find(world.job(job_id))

    assert (prefix.segments, prefix.chunks) == (1, ())


def test_of_a_job_that_is_not_split_nothing_is_known() -> None:
    world = World()
    job_id = world.drop("rows.txt", b"1\n")
    world.deliver(world._due.pop())

    prefix = reader(world).find(world.job(job_id))

    assert (prefix.records, list(reader(world).read(prefix))) == (0, [])


def test_failed_records_do_not_have_the_input_read_unless_it_is_joined() -> None:
    """Reading the input is a right of its own."""
    world = World(moody, pipeline="invoke: {endpoint: demo}\nchunk: {max_records: 1}\n")
    job_id = world.drop("rows.txt", b"bad\n2\n")
    world.run()
    world.table.results.clear()
    world.objects.denied.add(("input", "rows.txt"))
    job = world.job(job_id)

    lines = b"".join(reader(world).read(reader(world).find(job)))
    output = replace(job.pipeline.output, join="input")
    joined = replace(job, pipeline=replace(job.pipeline, output=output))

    assert lines == world.output("rows.txt")
    with pytest.raises(PermanentError, match="AccessDenied"):
        list(reader(world).read(reader(world).find(joined)))
