"""`penstock status`."""

import click

from penstock.domain.job import Job
from penstock_cli.documents import job_document, progress_document
from penstock_cli.jobs import Jobs
from penstock_cli.json_output import echo_json
from penstock_cli.options import Work, on_stack
from penstock_cli.progress import Meter
from penstock_cli.render import console_for, job_details, job_table


@click.command()
@click.argument("job", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
@on_stack
def status(work: Work, *, job: str | None, limit: int, as_json: bool) -> None:
    """Show the newest jobs, or all about JOB.

    JOB is a job id, at least 4 digits that begin one, or a file: its s3:// URI, its key or its
    name, meaning the newest job of it.
    """
    jobs = Jobs.of(work.connection)
    if job:
        _show_job(work, jobs.find(job), as_json=as_json)
    else:
        _show_jobs(work, jobs.newest(limit), as_json=as_json)


def _show_job(work: Work, job: Job, *, as_json: bool) -> None:
    seen = Meter(work.connection.dynamodb, work.connection.stack.table).read(job)
    if as_json:
        echo_json(job_document(job, work.now()) | {"progress": progress_document(seen)})
    else:
        console_for().print(job_details(job, seen, work.now()), soft_wrap=True)


def _show_jobs(work: Work, jobs: list[Job], *, as_json: bool) -> None:
    if as_json:
        echo_json([job_document(job, work.now()) for job in jobs])
    elif not jobs:
        stack = work.connection.stack
        click.echo(f"no jobs yet: drop a file into s3://{stack.input_bucket}, or `penstock submit`")
    else:
        console = console_for()
        width = console.width if console.is_terminal else None
        console.print(job_table(jobs, work.now(), width))
