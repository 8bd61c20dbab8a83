"""Jobs as tables and lines of a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.domain.job import Job, JobStatus
from penstock.domain.legible import legible
from penstock_cli import phrases
from penstock_cli.pace import Pace
from penstock_cli.progress import Progress
from penstock_cli.quantities import age, duration, moment, plural, size

_STYLES = {
    JobStatus.SUCCEEDED: "green",
    JobStatus.PARTIAL: "yellow",
    JobStatus.FAILED: "red",
    JobStatus.EXPIRED: "red",
    JobStatus.CANCELLED: "magenta",
}

_WIDE = 240
"""Columns where nobody's window limits them, so that nothing is cut off in a file or a pipe."""

_SHORT_ID = 10
_NONE = "-"
_GAP = 2
_SHORTEST_NAME = 8
_COLUMNS: dict[str, int | None] = {
    "JOB": None,
    "STATUS": None,
    "PIPELINE": 14,
    "FILE": None,
    "RECORDS": None,
    "STARTED": None,
    "TOOK": None,
}
"""With their largest widths in a terminal."""
_FILE = 3


def console_for(*, stderr: bool = False) -> Console:
    """Names of objects may look like anything: no markup, nor are numbers to be coloured."""
    plain = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not plain.is_terminal:
        plain.width = _WIDE
    return plain


def name_text(name: str, style: str = "") -> Text:
    """What somebody else wrote: a terminal would obey the escape sequences in it."""
    return Text(legible(name), style=style)


def status_text(job: Job) -> Text:
    status = job.stop.status if job.stop and not job.status.terminal else job.status
    return Text(phrases.status_of_job(job), style=_STYLES.get(status, "cyan"))


def job_table(jobs: Sequence[Job], now: float, width: int | None = None) -> Table:
    """In the order of `jobs`. For a width, ids, prefixes and, as far as need be, names are cut."""
    rows = [list(_row(job, now, short=width is not None)) for job in jobs]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for number, (heading, limit) in enumerate(_COLUMNS.items()):
        table.add_column(
            heading,
            no_wrap=True,
            overflow="ellipsis",
            max_width=limit if width else None,
            justify="right" if number > _FILE else "left",
        )
    if width:
        table.columns[_FILE].max_width = max(_SHORTEST_NAME, width - _width_of_the_others(rows))
    for row in rows:
        table.add_row(*row)
    return table


def _width_of_the_others(rows: Sequence[Sequence[Text]]) -> int:
    total = _GAP * (len(_COLUMNS) - 1)
    for number, (heading, limit) in enumerate(_COLUMNS.items()):
        if number != _FILE:
            widest = max([len(heading), *(row[number].cell_len for row in rows)])
            total += min(widest, limit or widest)
    return total


def _row(job: Job, now: float, *, short: bool) -> Iterator[Text]:
    key = job.source.key
    yield Text(job.job_id[:_SHORT_ID] if short else job.job_id)
    yield status_text(job)
    yield name_text(phrases.pipeline_of(job))
    yield name_text(key.rsplit("/", 1)[-1] if short else key)
    yield Text(f"{job.totals.records:,}" if job.totals else _NONE)
    yield Text(age(now - job.created_at))
    yield Text(duration(phrases.took(job, now)) if job.status.terminal else _NONE)


def job_details(job: Job, seen: Progress, now: float) -> Text:
    """All about one job, a line each."""
    lines = list(_details(job, seen, now))
    column = max(len(name) for name, _ in lines) + _GAP
    return Text("\n").join(
        Text.assemble((name.ljust(column), "dim"), value) for name, value in lines
    )


def _details(job: Job, seen: Progress, now: float) -> Iterator[tuple[str, Text]]:
    yield "job", Text(job.job_id)
    yield "status", status_text(job)
    yield "pipeline", name_text(phrases.pipeline_of(job))
    invoke = job.pipeline.invoke
    if invoke.endpoint:
        yield "endpoint", Text(f"{invoke.endpoint} ({invoke.mode})")
    source = job.source
    if job.redrive:
        yield "redrive of", Text(f"job {job.redrive.lineage}")
    yield "input", name_text(f"s3://{source.bucket}/{source.key}, {size(source.size)}")
    yield from _counts(job, seen)
    yield from _timings(job, now)
    if job.stop and not job.status.terminal:
        yield "stop", name_text(f"{job.stop.code}: {job.stop.message}", style="magenta")
    if job.failure:
        yield "failure", name_text(f"{job.failure.code}: {job.failure.message}", style="red")
    for name, uri in phrases.outputs_of(job).items():
        yield name, name_text(uri)


def _counts(job: Job, seen: Progress) -> Iterator[tuple[str, Text]]:
    if job.status.terminal:
        yield "records", Text(phrases.counts(job))
    else:
        yield "progress", Text(phrases.progress_text(seen, Pace()))
    if job.totals:
        chunks = plural(job.totals.chunks, "chunk")
        done = "" if job.status.terminal else f"{seen.chunks_done:,} of "
        yield "chunks", Text(f"{done}{chunks} in {plural(job.totals.segments, 'segment')}")


def _timings(job: Job, now: float) -> Iterator[tuple[str, Text]]:
    started = f"{moment(job.created_at)} ({age(now - job.created_at)})"
    yield "started", Text(started)
    if job.split_at:
        yield "split", Text(f"{duration(job.split_at - job.created_at)} after the start")
    took = duration(phrases.took(job, now))
    if job.finished_at:
        yield "finished", Text(f"{moment(job.finished_at)}, took {took}")
    elif not job.status.terminal:
        left = duration(max(0.0, job.deadline_at - now))
        yield "deadline", Text(f"in {left}, {moment(job.deadline_at)}")


def ending(job: Job, now: float) -> Text:
    """The last words about a job that was followed; its failure is told elsewhere."""
    text = status_text(job)
    text.append(f"  {phrases.counts(job)}, in {duration(phrases.took(job, now))}", style="default")
    for name, uri in phrases.outputs_of(job).items():
        text.append(f"\n  {name:<13}{legible(uri)}", style="default")
    return text
