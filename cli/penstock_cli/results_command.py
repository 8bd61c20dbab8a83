"""`penstock results`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from penstock.domain.job import Job
from penstock_cli.errors import WrongUsageError
from penstock_cli.jobs import Jobs
from penstock_cli.options import Work, on_stack
from penstock_cli.partial import read_partial
from penstock_cli.phrases import part_of, status_of_job
from penstock_cli.results import Kind, read_results, write_file


@click.command()
@click.argument("job")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE, which appears when it is whole, instead of stdout.",
)
@click.option("--errors", "kind", flag_value="errors", help="The records that failed, and why.")
@click.option("--manifest", "kind", flag_value="manifest", help="The job's counts and outputs.")
@click.option(
    "--partial", is_flag=True, help="Of a job that runs: the lines that its output will begin with."
)
@on_stack
def results(work: Work, *, job: str, output: Path | None, kind: Kind | None, partial: bool) -> None:
    """Write the predictions of JOB: a line for each record of the input, in its order.

    JOB is a job id, at least 4 digits that begin one, or a file: its s3:// URI, its key or its
    name, meaning the newest job of it.
    """
    if partial and kind:
        message = f"--partial is of the predictions: leave --{kind} out"
        raise WrongUsageError("PartialKind", message)
    found = Jobs.of(work.connection).find(job)
    if partial and not found.status.terminal:
        _write_partial(work, found, output)
    else:
        _write(read_results(work.connection, found, kind or "predictions"), output)


def _write_partial(work: Work, job: Job, output: Path | None) -> None:
    so_far = read_partial(work.connection, job)
    _write(so_far.blocks, output)
    click.echo(
        f"{part_of(so_far.records, so_far.total)}; job {job.job_id} is {status_of_job(job)}",
        err=True,
    )


def _write(blocks: Iterator[bytes], output: Path | None) -> None:
    if output:
        write_file(blocks, output)
    else:
        _write_stdout(blocks)


def _write_stdout(blocks: Iterator[bytes]) -> None:
    stdout = sys.stdout.buffer
    try:
        for block in blocks:
            stdout.write(block)
        stdout.flush()
    except BrokenPipeError:
        # The reader, `head` perhaps, has enough. What Python flushes on its way out must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
