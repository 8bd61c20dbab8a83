"""Following a job from the command line, until it ends or somebody interrupts."""

import click
from rich.console import Console

from penstock.domain.job import Job
from penstock_cli.follow import Clock, follow
from penstock_cli.options import Work
from penstock_cli.watching import watching

INTERRUPTED = 130


def followed(console: Console, work: Work, job_id: str, left: str = "goes on") -> Job:
    """The job as it ended.

    Args:
        left: what becomes of the job when nobody follows it any more.
    """
    try:
        with watching(console, work.now) as seen:
            return follow(work.connection, job_id, seen, Clock(work.now, work.sleep))
    except KeyboardInterrupt:
        click.echo(f"job {job_id} {left}; see `penstock status {job_id}`", err=True)
        raise SystemExit(INTERRUPTED) from None
