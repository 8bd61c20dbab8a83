"""The net catches fish: each planted bug is found within the seeds that every run tries."""

from typing import Any

import pytest

from tests.simulation import plants
from tests.simulation.knobs import replaced
from tests.simulation.run import failures
from tests.simulation.scheduler import Plant
from tests.unit.use_cases.world import unwrapped

MOST_SEEDS = 2000

FIRST_TRIED = {
    "the last outcome wins": 18,
    "a status that is written whatever stands": 55,
    "first_record off by one": 24,
    "duplicates are inferred again": 39,
    "nothing looks for what was lost": 32,
    "uploads are not aborted": 34,
    "one half of a bisected chunk is forgotten": 7,
    "a stop is not heeded": 21,
    "a late answer passes the fence": 221,
    "failures count twice": 69,
    "assembly doesn't wait": 92,
    "answers aren't counted": 36,
    "bisection has no breaker": 69,
    "a breakdown costs whoever was not reached an attempt": 1157,
}
"""Seeds that have found it: where to begin, as any of them will do. All others come after it."""

PLANTS: dict[str, Plant] = {
    "fan-in by a counter": plants.in_table(plants.counter_instead_of_set),
    "no repetition of what follows progress": plants.in_table(plants.progress_is_told_once),
    "the last outcome wins": plants.in_table(plants.last_writer_wins),
    "chunks in the order of messages": plants.in_table(plants.chunks_as_they_came),
    "a status that is written whatever stands": plants.in_table(plants.status_without_condition),
    "first_record off by one": plants.first_record_off_by_one,
    "a chunk's range off by one": plants.range_off_by_one,
    "a stale failure counts": plants.stale_failure_counts,
    "an announcement lost in a crash": plants.remembering_the_table(
        plants.announcement_is_not_repeated
    ),
    "each event is a new job": plants.each_event_is_news,
    "duplicates are inferred again": plants.inference_is_repeated,
    "nothing looks for what was lost": plants.nothing_is_swept,
    "uploads are not aborted": plants.uploads_are_not_aborted,
    "one half of a bisected chunk is forgotten": plants.one_half_is_sent,
    "halves are not sent again after a crash": plants.halves_are_sent_once,
    "a stop is not heeded": plants.stops_are_not_heeded,
    "a late answer passes the fence": plants.in_table(plants.late_answers_count),
    "failures count twice": plants.in_table(plants.failures_count_twice),
    "failed transform jobs have no outputs": plants.failed_transform_jobs_have_no_outputs,
}

REPLACED: dict[str, dict[str, Any]] = {
    "assembly doesn't wait": {"_check_complete": lambda states, chunks: None},
    "answers aren't counted": {"check_count": lambda results, owed: None},
    "bisection is off by one": {"halves": plants.halves_off_by_one},
    "mended records stay in the error file": {"merge_steps": plants.error_lines_stay},
    "redriven records take the next place": {
        "entry_of": plants.redriven_records_are_their_neighbours
    },
    "bisection has no breaker": {"on_probation": plants.nobody_is_on_probation},
    "a breakdown costs whoever was not reached an attempt": {
        "is_breakdown": lambda _trouble: False
    },
}


def finding_seed(name: str, plant: Plant) -> int | None:
    first = FIRST_TRIED.get(name, 0)
    seeds = (*range(first, MOST_SEEDS), *range(first))
    found = next(failures(seeds, plant), None)
    return found.scenario.seed if found else None


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str) -> None:
    assert finding_seed(name, PLANTS[name]) is not None


@pytest.mark.parametrize("name", REPLACED)
def test_a_replaced_function_is_found(name: str) -> None:
    with replaced(REPLACED[name]):
        assert finding_seed(name, unwrapped) is not None
