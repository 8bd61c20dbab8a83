"""Cancelling a job of a stack."""

import getpass
from collections.abc import Callable

from penstock.adapters.aws import translated
from penstock.domain.job import Job, JobStatus
from penstock.domain.legible import legible
from penstock.use_cases.cancel_job import CancelJob, Cancellation
from penstock_cli.aws import Connection
from penstock_cli.ports import job_table

TAKES_EFFECT = 5
"""Seconds within which the functions hear of it: `bootstrap.JOB_MEMORY`."""

_LONGEST_NAME = 40


def cancel(connection: Connection, job: Job, now: Callable[[], float]) -> Cancellation:
    """Has the job cancelled, in the name of whoever is logged in here."""
    return CancelJob(job_table(connection, now), now)(job.job_id, by=_user())


def start_sweep(connection: Connection) -> None:
    """What follows begins at once, instead of within a minute.

    Raises:
        PenstockError: it may not be started from here, or could not.
    """
    function = connection.stack.output("SweepJobsFunctionName")
    with translated(f"function {function}"):
        connection.client("lambda").invoke(FunctionName=function, InvocationType="Event")


def lost_cause(job: Job) -> str | None:
    """Why the job cannot be cancelled (any more), if it cannot."""
    if job.status is JobStatus.CANCELLED:
        return None
    if job.status.terminal:
        return f"job {job.job_id} has ended {job.status}; there is nothing left to cancel"
    ending = job.failure or (job.stop if job.stop and job.stop.status is JobStatus.FAILED else None)
    if ending:
        return f"job {job.job_id} is about to end FAILED: {ending.code}: {ending.message}"
    return None


def _user() -> str:
    try:
        return legible(getpass.getuser(), _LONGEST_NAME) or "the user"
    except (OSError, KeyError, ImportError):
        return "the user"
