"""python -m tests.simulation --seeds 2000 [--start N] | --seed N [--trace]"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tests.simulation.invariants import Run, violations
from tests.simulation.knobs import turned
from tests.simulation.redriving import redrive
from tests.simulation.scenario import Scenario, scenario_of
from tests.simulation.scheduler import Plant, SimulatedWorld
from tests.unit.use_cases.world import unwrapped


@dataclass(frozen=True)
class Result:
    scenario: Scenario
    complaints: list[str]
    trace: list[str]
    trace_hash: str


def simulate(seed: int, plant: Plant = unwrapped) -> Result:
    scenario = scenario_of(seed)
    with turned(scenario.knobs):
        world = SimulatedWorld(scenario, plant)
        complaints = _complaints(world)
    return Result(scenario, complaints, world.trace, world.trace_hash)


def _complaints(world: SimulatedWorld) -> list[str]:
    job_id = world.drop(world.scenario.key, world.scenario.body)
    try:
        world.run()
        run = Run(world, job_id)
        return violations(run) or redrive(run)
    except Exception as error:  # noqa: BLE001  a bug in any disguise, also an unreadable output
        return [f"{type(error).__name__} escaped: {error}"]


def failures(seeds: Iterable[int], plant: Plant = unwrapped) -> Iterator[Result]:
    for seed in seeds:
        result = simulate(seed, plant)
        if result.complaints:
            yield result


def described(result: Result, *, trace: bool) -> str:
    lines = [
        f"seed {result.scenario.seed} fails:",
        *(f"  {complaint}" for complaint in result.complaints),
        str(replace(result.scenario, body=result.scenario.body[:2000])),
        *(result.trace if trace else []),
        f"again: python -m tests.simulation --seed {result.scenario.seed} --trace",
    ]
    return "\n".join(lines)


def main() -> int:
    options = _options()
    if options.seed is not None:
        result = simulate(options.seed)
        _say(described(result, trace=options.trace) if result.complaints else _passed(result))
        if options.trace and not result.complaints:
            _say("\n".join(result.trace))
        return bool(result.complaints)
    return _simulate_many(range(options.start, options.start + options.seeds))


def _simulate_many(seeds: range) -> int:
    began, failed = time.monotonic(), 0
    for seed in seeds:
        result = simulate(seed)
        if result.complaints:
            failed += 1
            _say(described(result, trace=failed == 1))
        if (seed + 1 - seeds.start) % 1000 == 0:
            _say(f"{seed + 1 - seeds.start} seeds, {failed} failed")
    rate = len(seeds) / (time.monotonic() - began)
    _say(f"{len(seeds)} seeds, {failed} failed, {rate:.0f} seeds a second")
    return int(failed > 0)


def _passed(result: Result) -> str:
    return f"seed {result.scenario.seed} passes: {len(result.trace)} steps, {result.trace_hash}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--trace", action="store_true", help="with --seed: print what happened")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
