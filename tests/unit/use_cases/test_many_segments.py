"""Jobs of more segments than one done-set holds."""

from penstock.domain.fan_in import FAN_OUT
from penstock.use_cases.pieces import merged_key
from tests.unit.use_cases.world import World

REGION = 64
LINES = [f"{number:07d}{'-' * 56}" for number in range(2 * FAN_OUT + 20)]  # one line a region
LONGEST_LINE = REGION - 1


def test_a_job_of_many_segments_is_delivered_in_order_from_merged_pieces() -> None:
    world = World(region_bytes=REGION)
    job_id = world.drop("lines.txt", "\n".join(LINES).encode())

    world.run()

    totals = world.job(job_id).totals
    assert totals is not None
    assert totals.segments > 2 * FAN_OUT
    assert world.lines("lines.txt") == [f"y({line})" for line in LINES]
    merged = [world.objects.body("work", merged_key(job_id, node, "out")) for node in range(3)]
    assert b"".join(merged) == world.output("lines.txt")


def test_error_lines_of_many_segments_are_merged_too() -> None:
    world = World(region_bytes=REGION)
    bad = b"\xff" * LONGEST_LINE
    job_id = world.drop("lines.txt", b"\n".join([bad] + [line.encode() for line in LINES] + [bad]))

    world.run()

    assert [error["record"] for error in world.errors("lines.txt")] == [0, len(LINES) + 1]
    assert world.job(job_id).status == "PARTIAL"


def test_every_message_of_a_large_job_may_come_twice() -> None:
    once, twice = World(region_bytes=REGION), World(region_bytes=REGION, delays=lambda _: [0, 3])
    for world in (once, twice):
        world.drop("lines.txt", "\n".join(LINES).encode())
        world.run()

    assert twice.output("lines.txt") == once.output("lines.txt")
