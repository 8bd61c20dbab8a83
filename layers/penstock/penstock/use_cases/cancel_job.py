"""A job that its user no longer wants."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.job import Job, JobStatus, Stop
from penstock.domain.manifest import iso
from penstock.ports import JobTable

CODE = "Cancelled"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """What came of it. `taken`: it was this one that stopped the job. `job` is None if unknown."""

    taken: bool
    job: Job | None


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Notes the wish; the first stop of a job is the one that counts.

    The functions see it within `job_memory.JOB_MEMORY` seconds and start no invocation any more.
    The sweep, which is due at once, has the rest settled and the job ended.
    """

    table: JobTable
    now: Callable[[], float]

    def __call__(self, job_id: str, by: str = "the user") -> Cancellation:
        at = self.now()
        stop = Stop(JobStatus.CANCELLED, CODE, f"cancelled by {by} at {iso(at)}", at)
        return Cancellation(self.table.stop_job(job_id, stop), self.table.get_job(job_id))
