"""A terabyte goes through: no step of it asks more than AWS gives."""

from collections.abc import Callable, Iterator

import pytest

from benchmarks import capacity
from benchmarks.capacity import Row
from benchmarks.resolution import largest_region_item
from benchmarks.workload import Workload

# Left out: `resolving`, which is measured, and `invoking`, where a table's first hour is the limit.
STEPS = (
    capacity.accepting,
    capacity.scanning,
    capacity.emitting,
    capacity.assembling,
    capacity.finishing,
)


@pytest.mark.parametrize("workload", capacity.WORKLOADS, ids=lambda each: each.name)
@pytest.mark.parametrize("step", STEPS)
def test_no_step_of_a_terabyte_exceeds_a_limit(
    step: Callable[[Workload], Iterator[Row]], workload: Workload
) -> None:
    exceeded = [str(row) for row in step(workload) if row.limit and row.number > row.limit]
    assert exceeded == []


def test_a_region_item_takes_one_write_unit_however_large_the_file() -> None:
    assert largest_region_item() <= 1024
