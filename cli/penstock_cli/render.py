"""Jobs as tables and lines of a terminal."""

from collections.abc import Iterator, Sequence

from penstock.domain.job import Job, JobStatus
from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock_cli import phrases
from penstock_cli.pace import Pace
from penstock_cli.progress import Progress

_STYLES = {
    JobStatus.SUCCEEDED: "green",
    JobStatus.PARTIAL: "yellow",
    JobStatus.FAILED: "red",
    JobStatus.EXPIRED: "red",
    JobStatus.CANCELLED: "magenta",
}

_WIDE = 240
"""Columns where nobody's window limits them, so that nothing is cut off in a file or a pipe."""

_SHORT_ID = 12
_NONE = "-"


def console_for(*, stderr: bool = False) -> Console:
    """Names of objects may hold anything: they are no markup, nor are numbers to be coloured."""
    plain = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not plain.is_terminal:
        plain.width = _WIDE
    return plain


def status_text(status: JobStatus) -> Text:
    return Text(status.value, style=_STYLES.get(status, "cyan"))


def job_table(jobs: Sequence[Job], now: float, *, short: bool) -> Table:
    """Newest first, as they come. `short` fits 80 columns: ids and names are cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("JOB", no_wrap=True)
    table.add_column("STATUS", no_wrap=True)
    table.add_column("PIPELINE", no_wrap=True, overflow="ellipsis", max_width=16 if short else None)
    table.add_column("FILE", no_wrap=True, overflow="ellipsis", ratio=1 if short else None)
    table.add_column("RECORDS", no_wrap=True, justify="right")
    table.add_column("STARTED", no_wrap=True, justify="right")
    table.add_column("TOOK", no_wrap=True, justify="right")
    for job in jobs:
        table.add_row(*_row(job, now, short=short))
    return table


def _row(job: Job, now: float, *, short: bool) -> Iterator[Text]:
    yield Text(job.job_id[:_SHORT_ID] if short else job.job_id)
    yield status_text(job.status)
    yield Text(phrases.pipeline_of(job))
    yield Text(job.source.key.rsplit("/", 1)[-1] if short else job.source.key)
    yield Text(
        f"{job.totals.records:,}" if job.totals else _NONE, style="" if job.totals else "dim"
    )
    yield Text(phrases.age(now - job.created_at))
    yield Text(phrases.duration(phrases.took(job, now)) if job.status.terminal else _NONE)


def job_details(job: Job, seen: Progress, now: float) -> Table:
    """All about one job, a line each."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _details(job, seen, now):
        grid.add_row(name, value)
    return grid


def _details(job: Job, seen: Progress, now: float) -> Iterator[tuple[str, Text]]:
    yield "job", Text(job.job_id)
    yield "status", status_text(job.status)
    yield "pipeline", Text(phrases.pipeline_of(job))
    invoke = job.pipeline.invoke
    if invoke.endpoint:
        yield "endpoint", Text(f"{invoke.endpoint} ({invoke.mode})")
    source = job.source
    yield "input", Text(f"s3://{source.bucket}/{source.key}, {phrases.size(source.size)}")
    yield from _counts(job, seen)
    yield from _timings(job, now)
    if job.failure:
        yield "failure", Text(f"{job.failure.code}: {job.failure.message}", style="red")
    for name, uri in phrases.outputs_of(job).items():
        yield name, Text(uri)


def _counts(job: Job, seen: Progress) -> Iterator[tuple[str, Text]]:
    if job.status.terminal:
        yield "records", Text(phrases.counts(job))
    else:
        yield "progress", Text(phrases.progress_text(seen, Pace()))
    if job.totals:
        chunks = phrases.plural(job.totals.chunks, "chunk")
        done = "" if job.status.terminal else f"{seen.chunks_done:,} of "
        yield "chunks", Text(f"{done}{chunks} in {phrases.plural(job.totals.segments, 'segment')}")


def _timings(job: Job, now: float) -> Iterator[tuple[str, Text]]:
    started = f"{phrases.moment(job.created_at)} ({phrases.age(now - job.created_at)})"
    yield "started", Text(started)
    if job.split_at:
        yield "split", Text(f"{phrases.duration(job.split_at - job.created_at)} after the start")
    took = phrases.duration(phrases.took(job, now))
    if job.finished_at:
        yield "finished", Text(f"{phrases.moment(job.finished_at)}, took {took}")
    elif not job.status.terminal:
        left = phrases.duration(max(0.0, job.deadline_at - now))
        yield "deadline", Text(f"in {left}, {phrases.moment(job.deadline_at)}")


def ending(job: Job, now: float) -> Text:
    """The last words about a job that was followed; its failure is told elsewhere."""
    text = status_text(job.status)
    text.append(
        f"  {phrases.counts(job)}, in {phrases.duration(phrases.took(job, now))}", style="default"
    )
    for name, uri in phrases.outputs_of(job).items():
        text.append(f"\n  {name:<12}{uri}", style="default")
    return text
