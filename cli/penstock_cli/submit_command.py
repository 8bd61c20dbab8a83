"""`penstock submit`."""

from pathlib import Path

import click
from rich.console import Console

from penstock.domain.job import Job, JobStatus
from penstock.domain.legible import legible
from penstock_cli.options import Work, on_stack
from penstock_cli.render import console_for, ending
from penstock_cli.submit import Submission, input_key
from penstock_cli.submit import submit as submit_file
from penstock_cli.waiting import followed
from penstock_cli.watching import watching_upload

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Exit code with --wait: 0 if every record was predicted, else 1.")
@click.argument("file", type=_FILE)
@click.option(
    "--pipeline",
    metavar="PREFIX",
    help="Prefix in the input bucket; its _pipeline.yaml decides. Without it: the bucket's root.",
)
@click.option("--name", metavar="NAME", help="Name in the input bucket instead of the file's own.")
@click.option("--wait", is_flag=True, help="Follow the job to its end.")
@on_stack
def submit(work: Work, *, file: Path, pipeline: str | None, name: str | None, wait: bool) -> None:
    """Upload FILE to the input bucket, which starts a job.

    Prints the job's id and where its predictions will be. Interrupting --wait leaves the job alone.
    """
    console = console_for()
    key = input_key(file, pipeline, name)
    with watching_upload(console, file.stat().st_size) as sent:
        submission = submit_file(work.connection, file, key, sent)
    _announce(console, submission)
    if wait:
        _end(console, followed(console, work, submission.job_id), work)


def _announce(console: Console, submission: Submission) -> None:
    console.print(f"job          {submission.job_id}", soft_wrap=True)
    console.print(f"input        {legible(submission.input)}", soft_wrap=True)
    console.print(f"predictions  {legible(submission.predictions)}", soft_wrap=True)


def _end(console: Console, job: Job, work: Work) -> None:
    console.print(ending(job, work.now()), soft_wrap=True)
    if job.failure:
        click.echo(legible(f"{job.failure.code}: {job.failure.message}"), err=True)
    if job.status is not JobStatus.SUCCEEDED:
        raise SystemExit(1)
