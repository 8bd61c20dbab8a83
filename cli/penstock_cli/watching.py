"""Showing a job's progress: a bar in a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar
from rich.table import Column

from penstock_cli.aws import SINGLE_PUT
from penstock_cli.pace import Pace
from penstock_cli.phrases import progress_text, status_of
from penstock_cli.progress import Progress
from penstock_cli.quantities import duration

QUIET = 5.0
"""Seconds between two plain lines of the same status."""


@contextmanager
def watching(console: Console, now: Callable[[], float]) -> Iterator[Callable[[Progress], None]]:
    """Something to be told of each Progress."""
    if not console.is_terminal:
        yield PlainLines(console, now)
        return
    with _job_bar(console) as bar:
        yield JobBar(bar, now)


class PlainLines:
    """One line when the status changes, else one every few seconds if there is news."""

    def __init__(self, console: Console, now: Callable[[], float]) -> None:
        self._console = console
        self._now = now
        self._pace = Pace()
        self._started = now()
        self._last: tuple[float, Progress] | None = None

    def __call__(self, seen: Progress) -> None:
        now = self._now()
        self._pace.see(now, seen)
        if self._is_news(now, seen):
            self._last = (now, seen)
            elapsed = duration(now - self._started)
            text = progress_text(seen, self._pace)
            self._console.print(f"{elapsed:>12}  {status_of(seen):<10}  {text}", soft_wrap=True)

    def _is_news(self, now: float, seen: Progress) -> bool:
        if self._last is None:
            return True
        at, before = self._last
        return seen.status != before.status or (seen != before and now - at >= QUIET)


class JobBar:
    """A bar by records; before they are counted, by regions."""

    def __init__(self, bar: Bar, now: Callable[[], float]) -> None:
        self._bar = bar
        self._now = now
        self._pace = Pace()
        self._task: TaskID = bar.add_task("job", total=None, status="WAITING", text="")

    def __call__(self, seen: Progress) -> None:
        self._pace.see(self._now(), seen)
        done, total = _extent(seen)
        self._bar.update(
            self._task,
            completed=done,
            total=total,
            status=status_of(seen),
            text=progress_text(seen, self._pace),
        )


def _extent(seen: Progress) -> tuple[int, int | None]:
    """Done and in all; without a total the bar only shows that something goes on."""
    if seen.records_total is not None:
        # A bar of nothing at all is full, not unknown.
        return (seen.records_done, seen.records_total) if seen.records_total else (1, 1)
    if seen.regions_total is not None and seen.regions_total > 1:
        return seen.regions_done, seen.regions_total
    return 0, None


def _job_bar(console: Console) -> Bar:
    whole = Column(no_wrap=True)
    return Bar(
        TextColumn("{task.fields[status]:<10}", style="cyan", markup=False, table_column=whole),
        BarColumn(bar_width=None, complete_style="cyan", finished_style="green"),
        TextColumn("{task.fields[text]}", markup=False, table_column=whole),
        console=console,
        transient=True,
        expand=True,
    )


@contextmanager
def watching_upload(console: Console, size: int) -> Iterator[Callable[[int], None]]:
    """Something to be told of bytes that have gone."""
    if size <= SINGLE_PUT or not console.is_terminal:
        yield lambda _: None
        return
    columns = (DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    with Bar("UPLOADING ", BarColumn(), *columns, console=console, transient=True) as bar:
        task = bar.add_task("upload", total=size)
        yield lambda sent: bar.advance(task, sent)
