"""Following a job to its end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.job import Job
from penstock_cli.aws import Connection
from penstock_cli.jobs import Jobs
from penstock_cli.progress import Meter, Progress

ACCEPTANCE = 600.0
"""Seconds after which an upload without a job is taken for lost."""

OUTAGE = 60.0
"""Seconds of failing reads that are sat out: a job of hours outlives a break of the network."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of any clock that runs evenly, and a way to let them pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def follow(
    connection: Connection,
    job_id: str,
    seen: Callable[[Progress], None] = lambda _: None,
    clock: Clock | None = None,
) -> Job:
    """The job as it ended. `seen` is told of its progress every second or two.

    Raises:
        PermanentError: `NotAccepted`, there is still no such job after ten minutes.
        RetryableError: AWS could not be reached for a minute.
    """
    clock = clock or Clock()
    watch = _Watch(connection, job_id, seen, clock)
    while True:
        job = watch.look()
        if job and job.status.terminal:
            return job
        clock.sleep(interval(watch.elapsed))


class _Watch:
    """Looks at one job, with the patience that its circumstances deserve."""

    def __init__(
        self, connection: Connection, job_id: str, seen: Callable[[Progress], None], clock: Clock
    ) -> None:
        self._jobs = Jobs.of(connection)
        self._meter = Meter(connection.dynamodb, connection.stack.table)
        self._job_id = job_id
        self._seen = seen
        self._now = clock.now
        self._started = self._reached = clock.now()
        self._accepted = False

    @property
    def elapsed(self) -> float:
        return self._now() - self._started

    def look(self) -> Job | None:
        """The job, None if it isn't there yet or could not be read now."""
        try:
            job = self._read()
        except RetryableError:
            if self._now() - self._reached >= OUTAGE:
                raise
            return None
        self._reached = self._now()
        self._accepted = self._accepted or job is not None
        if not self._accepted and self.elapsed >= ACCEPTANCE:
            raise _lost(self._job_id)
        return job

    def _read(self) -> Job | None:
        job = self._jobs.get(self._job_id)
        self._seen(self._meter.read(job) if job else Progress())
        return job


def interval(elapsed: float) -> float:
    """Seconds to the next look: brief at first, since small jobs take but a second or two."""
    if elapsed < 5:  # noqa: PLR2004
        return 0.3
    return 1.0 if elapsed < 60 else 2.0  # noqa: PLR2004


def _lost(job_id: str) -> PermanentError:
    message = (
        f"the upload has not become job {job_id} within {ACCEPTANCE / 60:.0f} minutes; look at "
        "`penstock dlq upload` and at the log of AcceptUploadFunction"
    )
    return PermanentError("NotAccepted", message)
