"""`penstock results`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from penstock_cli.jobs import Jobs
from penstock_cli.options import Work, on_stack
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
@on_stack
def results(work: Work, *, job: str, output: Path | None, kind: Kind | None) -> None:
    """Write the predictions of JOB: a line for each record of the input, in its order.

    JOB is a job id, at least 4 digits that begin one, or a file: its s3:// URI, its key or its
    name, meaning the newest job of it.
    """
    found = Jobs.of(work.connection).find(job)
    blocks = read_results(work.connection, found, kind or "predictions")
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
