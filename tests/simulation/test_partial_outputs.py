"""Whatever happens, what can be read of a running job is what its output will begin with."""

import random
from typing import Any

import pytest

from penstock.domain.job import Job
from penstock.selection import compile_selection
from penstock.use_cases.read_prefix import ReadPrefix
from tests.simulation.knobs import turned
from tests.simulation.scenario import Scenario, scenario_of
from tests.simulation.scheduler import SimulatedWorld
from tests.unit.use_cases.world import Due

BATCH = 100
LOOKS = 0.2
"""Looks for each delivery."""


class WatchedWorld(SimulatedWorld):
    """Somebody looks at the partial output now and then. The run is the same without them."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.whim = random.Random(f"looks {scenario.seed}")
        self.seen: list[tuple[int, bytes]] = []

    def deliver(self, due: Due) -> None:
        super().deliver(due)
        if self.whim.random() < LOOKS:
            for job in list(self.table.jobs.values()):
                self.look(job)

    def look(self, job: Job) -> None:
        if job.redrive is None:
            read = ReadPrefix(self.objects, self.table, compile_selection, "work")
            prefix = read.find(job)
            self.seen.append((prefix.records, b"".join(read.read(prefix))))


def watched(seed: int) -> tuple[WatchedWorld, Any]:
    scenario = scenario_of(seed)
    with turned(scenario.knobs):
        world = WatchedWorld(scenario)
        world.drop(scenario.key, scenario.body)
        world.run()
    return world, world.manifest(scenario.key)


@pytest.mark.parametrize("start", range(0, 1000, BATCH))
def test_partial_outputs_are_beginnings_of_the_final_one(start: int) -> None:
    for seed in range(start, start + BATCH):
        world, manifest = watched(seed)
        if not manifest["outputs"]:
            continue
        final = world.output(world.scenario.key)
        strange = [body for _, body in world.seen if not final.startswith(body)]
        counts = [records for records, _ in world.seen]

        assert strange == [], f"seed {seed}"
        assert counts == sorted(counts), f"seed {seed}"
        assert max(counts, default=0) <= manifest["records"]["total"], f"seed {seed}"
