"""2,000 random jobs under random faults keep every invariant. See run.py for one seed's story."""

import os
import subprocess
import sys

import pytest

from tests.simulation.run import described, failures, simulate

BATCH = 100
SEED = 402
"""With faults of every class."""


@pytest.mark.parametrize("start", range(0, 2000, BATCH))
def test_whatever_happens_the_invariants_hold(start: int) -> None:
    for failure in failures(range(start, start + BATCH)):
        pytest.fail(described(failure, trace=True))


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = simulate(SEED), simulate(SEED)

    assert first.trace_hash == second.trace_hash
    assert len(first.trace) > 100


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_gives_the_same_run_in_another_process(hash_seed: str) -> None:
    program = f"from tests.simulation.run import simulate; print(simulate({SEED}).trace_hash)"
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}

    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == simulate(SEED).trace_hash
