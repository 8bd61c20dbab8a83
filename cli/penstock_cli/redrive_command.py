"""`penstock redrive`."""

from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console

from penstock.domain.job import Job, JobStatus
from penstock.domain.legible import legible
from penstock_cli.options import Work, on_stack
from penstock_cli.quantities import plural
from penstock_cli.redrive import Failures, check_records, error_file, find_failures
from penstock_cli.redrive import redrive as redrive_records
from penstock_cli.render import console_for, ending
from penstock_cli.submit import Submission
from penstock_cli.waiting import followed
from penstock_cli.watching import watching_upload

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="Exit code with --wait: 0 if every record of the file is predicted now, else 1."
)
@click.argument("job")
@click.option(
    "--records",
    type=_FILE,
    metavar="FILE",
    help="Lines of the error file, perhaps mended, instead of all of it.",
)
@click.option("--wait", is_flag=True, help="Follow the job to its end.")
@on_stack
def redrive(work: Work, *, job: str, records: Path | None, wait: bool) -> None:
    """Run the records of JOB that failed once more, and merge them into its output in place.

    JOB is a job id, at least 4 digits that begin one, or a file: its s3:// URI, its key or its
    name, meaning the newest job of it. The key works however long ago it ran. What governs its
    prefix now decides about the model; the outputs get new versions, the old ones stay.
    """
    console = console_for()
    failures = find_failures(work.connection, job)
    count = failures.delivered.tally.failed
    if records:
        count = check_records(work.connection, failures, records)
    with nullcontext(records) if records else error_file(work.connection, failures) as path:
        submission = _dropped(console, work, failures, path)
    _announce(console, submission, count, failures)
    if wait:
        _end(console, followed(console, work, submission.job_id), work)


def _dropped(console: Console, work: Work, failures: Failures, path: Path) -> Submission:
    with watching_upload(console, path.stat().st_size) as sent:
        return redrive_records(work.connection, failures, path, sent)


def _announce(console: Console, submission: Submission, count: int, failures: Failures) -> None:
    failed = failures.delivered.tally.failed
    console.print(f"job          {submission.job_id}", soft_wrap=True)
    console.print(f"records      {count:,} of {failed:,} that failed", soft_wrap=True)
    console.print(f"input        {legible(submission.input)}", soft_wrap=True)
    console.print(f"predictions  {legible(submission.predictions)}", soft_wrap=True)


def _end(console: Console, job: Job, work: Work) -> None:
    console.print(ending(job, work.now()), soft_wrap=True)
    redriven = (job.summary or {}).get("redrive") or {}
    if redriven.get("records"):
        text = (
            f"{plural(redriven['records'], 'record')} redriven: {redriven['succeeded']:,} predicted"
        )
        console.print(text, soft_wrap=True)
    if job.failure:
        click.echo(legible(f"{job.failure.code}: {job.failure.message}"), err=True)
    if job.status is not JobStatus.SUCCEEDED:
        raise SystemExit(1)
