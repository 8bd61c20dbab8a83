"""A small job beside a large one."""

import statistics
import time

import pytest

from examples.echo.echo_reference import expected_lines
from tests.e2e.harness import Stack

PIPELINE = "invoke: {endpoint: echo}\n"
SLOW = {"fault": "slow_model", "seconds": 0.25}
LARGE = b"".join(b"%d\n" % number for number in range(1_000_000))
SMALL = [f"small record {number}".encode() for number in range(10)]
A_FEW_TIMES = 5.0


@pytest.fixture(scope="module", autouse=True)
def _pipeline(echo: Stack) -> None:
    echo.configure("fair", PIPELINE)


def seconds_of_small_job(echo: Stack, name: str) -> float:
    began = time.monotonic()
    delivered = echo.run(f"fair/{name}.txt", b"\n".join(SMALL))
    assert delivered.lines == expected_lines(SMALL)
    return time.monotonic() - began


@pytest.mark.alone
def test_ten_records_take_a_few_times_as_long_beside_a_million(echo: Stack) -> None:
    with echo.faults(SLOW):
        seconds_of_small_job(echo, "warm")
        idle = [seconds_of_small_job(echo, f"idle-{number}") for number in range(5)]

        began = time.monotonic()
        large = echo.drop("fair/large.txt", LARGE)
        time.sleep(15)
        beside = [seconds_of_small_job(echo, f"beside-{number}") for number in range(5)]
        assert echo.job_status(large) == "RUNNING", "the large job was over too soon"
        delivered = echo.wait("fair/large.txt", large, patience=600)

    print(  # noqa: T201  a figure for docs/performance.md
        f"\nsmall job: idle {statistics.median(idle):.2f} s ({min(idle):.2f} to {max(idle):.2f}), "
        f"beside the large one {statistics.median(beside):.2f} s "
        f"({min(beside):.2f} to {max(beside):.2f}); large job {time.monotonic() - began:.0f} s"
    )
    assert delivered.counts == (1_000_000, 1_000_000, 0)
    assert statistics.median(beside) < A_FEW_TIMES * statistics.median(idle)
