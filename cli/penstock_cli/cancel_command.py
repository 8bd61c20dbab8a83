"""`penstock cancel`."""

import click
from rich.console import Console

from penstock.domain.errors import PenstockError, PermanentError
from penstock.domain.job import Job, JobStatus
from penstock.domain.legible import legible
from penstock_cli.cancel import TAKES_EFFECT, cancel, lost_cause, start_sweep
from penstock_cli.errors import WrongUsageError
from penstock_cli.jobs import Jobs
from penstock_cli.options import Work, on_stack
from penstock_cli.pace import Pace
from penstock_cli.phrases import progress_text
from penstock_cli.progress import Meter
from penstock_cli.render import console_for, ending
from penstock_cli.waiting import followed


@click.command(
    "cancel",
    epilog="Exit code: 0 if the job ends CANCELLED, 1 if it has ended or ends otherwise.",
)
@click.argument("job")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Follow the job to its end.")
@on_stack
def cancel_command(work: Work, *, job: str, yes: bool, wait: bool) -> None:
    """Cancel JOB: nothing more goes to the model, and what was predicted is delivered.

    JOB is a job id, at least 4 digits that begin one, or a file: its s3:// URI, its key or its
    name, meaning the newest job of it. Records without a prediction get error lines. It cannot be
    undone; to have the rest predicted, drop the file again.
    """
    console = console_for()
    found = Jobs.of(work.connection).find(job)
    _refuse_lost_causes(found)
    if not (yes or found.stop or found.status.terminal):
        _ask(console, work, found)
    found = _cancelled(work, found)
    if wait and not found.status.terminal:
        _end(console, work, followed(console, work, found.job_id, "goes on being cancelled"))


def _refuse_lost_causes(job: Job) -> None:
    reason = lost_cause(job)
    if reason:
        raise PermanentError("NothingToCancel", reason)


def _ask(console: Console, work: Work, job: Job) -> None:
    if not work.interactive():
        message = "nobody is here to confirm it: add --yes"
        raise WrongUsageError("NotConfirmed", message)
    seen = Meter(work.connection.dynamodb, work.connection.stack.table).read(job)
    console.print(f"job    {job.job_id}", soft_wrap=True)
    console.print(f"input  {legible(f's3://{job.source.bucket}/{job.source.key}')}", soft_wrap=True)
    console.print(f"       {job.status}, {progress_text(seen, Pace())}", soft_wrap=True)
    click.confirm("Cancel it? Records without a prediction get error lines", abort=True)


def _cancelled(work: Work, job: Job) -> Job:
    cancellation = cancel(work.connection, job, work.now)
    found = cancellation.job or job
    _refuse_lost_causes(found)
    if cancellation.taken:
        click.echo(
            f"job {job.job_id} is being cancelled: within {TAKES_EFFECT} seconds nothing more "
            "goes to the model; what was predicted is delivered"
        )
    else:
        _tell_of_the_first(found)
    if not found.status.terminal:
        _hurry(work)
    return found


def _tell_of_the_first(job: Job) -> None:
    stop = job.stop
    how = "was cancelled" if job.status.terminal else "is being cancelled"
    click.echo(f"job {job.job_id} {how} already{f': {legible(stop.message)}' if stop else ''}")


def _hurry(work: Work) -> None:
    try:
        start_sweep(work.connection)
    except PenstockError as error:
        message = f"sweep_jobs could not be started: {error.message}; it runs within a minute"
        click.echo(legible(message), err=True)


def _end(console: Console, work: Work, job: Job) -> None:
    console.print(ending(job, work.now()), soft_wrap=True)
    if job.status is not JobStatus.CANCELLED:
        click.echo("it ended before the cancellation took effect", err=True)
        raise SystemExit(1)
