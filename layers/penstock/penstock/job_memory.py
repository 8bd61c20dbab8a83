"""What a function knows of the jobs whose chunks it works on, without asking for each chunk."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from penstock.domain.job import Job

JOB_MEMORY = 5.0
"""Seconds that a function trusts its memory of a job: a stop takes effect within that time."""

UNPROVEN = 0.5
"""Seconds, while the model has predicted nothing of the job. It may be the wrong model, which its
first chunk finds out for all of them: the others should hear of that before they try."""

JOBS = 64
"""Remembered at a time."""


@dataclass(slots=True)
class JobMemory:
    """Gives the same answers as `get_job`, and reads again when they are too old.

    The messages of a batch ask at the same time: one reads, the others get its answer.
    """

    get_job: Callable[[str], Job | None]
    now: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[float, Job | None]] = field(default_factory=OrderedDict)
    """Until when, and what."""
    _asking: Lock = field(default_factory=Lock)

    def __call__(self, job_id: str) -> Job | None:
        with self._asking:
            until, job = self._known.get(job_id, (0.0, None))
            return job if self.now() < until else self._read(job_id)

    def _read(self, job_id: str) -> Job | None:
        now = self.now()
        job = self.get_job(job_id)
        self._known[job_id] = now + _lifetime(job), job
        self._known.move_to_end(job_id)
        if len(self._known) > JOBS:
            self._known.popitem(last=False)
        return job


def _lifetime(job: Job | None) -> float:
    return JOB_MEMORY if job and job.predicted_at is not None else UNPROVEN
