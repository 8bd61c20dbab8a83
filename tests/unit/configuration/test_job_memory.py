"""What a function remembers of jobs between their chunks."""

from dataclasses import replace

import pytest

from penstock.domain.job import Job
from penstock.job_memory import JOB_MEMORY, JOBS, UNPROVEN, JobMemory
from penstock.testing import FakeClock
from tests.unit.use_cases.traffic import job_of

NEW = job_of("job", 10, 0.0)
PREDICTED = replace(NEW, predicted_at=1.0)


class Table:
    def __init__(self, job: Job | None) -> None:
        self.job = job
        self.asked: list[str] = []

    def get_job(self, job_id: str) -> Job | None:
        self.asked.append(job_id)
        return self.job


@pytest.mark.parametrize(
    ("job", "lifetime"), [(PREDICTED, JOB_MEMORY), (NEW, UNPROVEN), (None, UNPROVEN)]
)
def test_a_job_is_read_once_while_its_memory_lasts(job: Job | None, lifetime: float) -> None:
    table, clock = Table(job), FakeClock(100.0)
    get_job = JobMemory(table.get_job, clock)

    for job_id in ("a", "a", "b", "a"):
        assert get_job(job_id) == job
    clock.advance(lifetime)
    get_job("a")

    assert table.asked == ["a", "b", "a"]


def test_a_job_is_remembered_for_longer_once_its_model_has_predicted_something() -> None:
    table, clock = Table(NEW), FakeClock(100.0)
    get_job = JobMemory(table.get_job, clock)
    get_job("a")
    table.job = PREDICTED
    clock.advance(UNPROVEN)
    get_job("a")
    clock.advance(UNPROVEN)

    assert get_job("a") == PREDICTED
    assert table.asked == ["a", "a"]


def test_the_jobs_that_were_read_last_are_remembered() -> None:
    table = Table(PREDICTED)
    get_job = JobMemory(table.get_job, FakeClock(100.0))
    for number in range(JOBS + 1):
        get_job(str(number))
    table.asked.clear()

    get_job("1")
    get_job("0")

    assert table.asked == ["0"]
