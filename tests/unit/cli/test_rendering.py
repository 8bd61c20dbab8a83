import io
from dataclasses import replace

import pytest
from rich.console import Console

from penstock.domain.job import JobStatus
from penstock_cli import phrases, quantities
from penstock_cli.pace import Pace
from penstock_cli.progress import Progress
from penstock_cli.render import job_table
from penstock_cli.watching import JobBar, PlainLines, _job_bar, watching, watching_upload
from tests.unit.cli.world import START, FakeTime, finished, job_of, running

RUNNING = Progress(
    JobStatus.RUNNING, 1, 1, chunks_done=1, chunks_total=4, records_done=250, records_total=1_000
)


def terminal(width: int = 80) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None, _environ={}
    )


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_fits_80_columns_and_cuts_long_names():
    jobs = [
        running(job_of(f"a-long-pipeline-prefix/{'x' * 60}.csv"), 12_345_678, 99),
        finished(running(job_of("digits/a.csv"), 400, 1)),
    ]
    jobs[0] = replace(jobs[0], pipeline=replace(jobs[0].pipeline, source="a-long-prefix/of-a-team"))
    console = terminal()

    console.print(job_table(jobs, START + 86_400 * 3, width=80))

    lines = text_of(console).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80
    assert "12,345,678" in lines[1]
    assert "…" in lines[1]
    assert jobs[0].job_id[:10] in lines[1]


def test_the_bar_shows_status_records_rate_and_time_left():
    time, console = FakeTime(), terminal(110)
    bar = _job_bar(console)
    show = JobBar(bar, time.now)
    show(replace(RUNNING, records_done=0))
    time.sleep(10)
    show(RUNNING)

    console.print(bar.get_renderable())

    line = text_of(console).splitlines()[0]
    assert line.startswith("RUNNING ")
    assert "━" in line
    assert line.rstrip().endswith("250 of 1,000 records (25%), 25/s, 30s left")
    assert bar.tasks[0].percentage == 25


@pytest.mark.parametrize(
    ("seen", "completed", "total"),
    [
        (Progress(), 0, None),
        (Progress(JobStatus.SPLITTING, 0, 1), 0, None),
        (Progress(JobStatus.SPLITTING, 3, 12), 3, 12),
        (Progress(JobStatus.ASSEMBLING, 1, 1, 0, 0, 0, 0), 1, 1),
    ],
    ids=["not accepted", "one region", "regions", "no records"],
)
def test_before_records_are_counted_the_bar_shows_regions_or_just_that_something_goes_on(
    seen, completed, total
):
    bar = _job_bar(terminal())

    JobBar(bar, FakeTime().now)(seen)

    assert (bar.tasks[0].completed, bar.tasks[0].total) == (completed, total)


def test_the_bar_of_a_billion_records_stays_one_line_of_80_columns():
    time, console = FakeTime(), terminal(80)
    bar = _job_bar(console)
    show = JobBar(bar, time.now)
    show(replace(RUNNING, records_done=0, records_total=1_000_000_000))
    time.sleep(1000)
    show(replace(RUNNING, records_done=123_456_789, records_total=1_000_000_000))

    console.print(bar.get_renderable())

    assert len(text_of(console).splitlines()) == 1


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines():
    with watching(terminal(), FakeTime().now) as show:
        assert isinstance(show, JobBar)
    with watching(Console(file=io.StringIO(), _environ={}), FakeTime().now) as show:
        assert isinstance(show, PlainLines)


def test_plain_lines_come_at_most_every_few_seconds_unless_the_status_changes():
    time, console = FakeTime(), Console(file=io.StringIO(), width=100, _environ={})
    show = PlainLines(console, time.now)
    for second in range(12):
        show(replace(RUNNING, records_done=10 * second))
        time.sleep(1)
    show(replace(RUNNING, status=JobStatus.ASSEMBLING))

    assert [line.split()[0:2] for line in text_of(console).splitlines()] == [
        ["0.0s", "RUNNING"],
        ["5.0s", "RUNNING"],
        ["10s", "RUNNING"],
        ["12s", "ASSEMBLING"],
    ]


def test_plain_lines_stay_silent_while_nothing_happens():
    time, console = FakeTime(), Console(file=io.StringIO(), width=100, _environ={})
    show = PlainLines(console, time.now)
    for _ in range(20):
        show(RUNNING)
        time.sleep(60)

    assert len(text_of(console).splitlines()) == 1


def test_the_upload_of_a_large_file_is_shown_in_a_terminal():
    console = terminal()
    with watching_upload(console, 20 * 1024**2) as sent:
        sent(10 * 1024**2)

    assert "UPLOADING" in text_of(console)


def test_the_upload_of_a_small_file_is_not_worth_a_line():
    console = terminal()
    with watching_upload(console, 1_000) as sent:
        sent(1_000)

    assert text_of(console) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0s"),
        (4.24, "4.2s"),
        (9.96, "10s"),
        (59.7, "1m 00s"),
        (200, "3m 20s"),
        (3_599.6, "1h 00m"),
        (7_500, "2h 05m"),
        (273_600, "3d 4h"),
    ],
)
def test_a_duration_has_the_two_units_that_matter(seconds, text):
    assert quantities.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s ago"), (119, "119s ago"), (7_199, "119m ago"), (10**6, "11d ago")],
)
def test_an_age_has_one_unit(seconds, text):
    assert quantities.age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (5 * 1024**4, "5.0 TiB")]
)
def test_a_size_has_the_unit_that_fits(count, text):
    assert quantities.size(count) == text


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (Progress(), "for the upload to be accepted"),
        (Progress(JobStatus.SPLITTING, 0, 1), "0 of 1 region"),
        (Progress(JobStatus.FAILED, 0, 7), "its records were not counted"),
        (Progress(JobStatus.ASSEMBLING, 1, 1, 0, 0, 0, 0), "0 of 0 records (100%)"),
        (RUNNING, "250 of 1,000 records (25%)"),
    ],
)
def test_progress_in_words(seen, text):
    assert phrases.progress_text(seen, Pace()) == text


def test_a_job_that_failed_before_it_was_split_has_no_count():
    failed = job_of(status=JobStatus.FAILED, finished_at=START + 1)

    assert phrases.counts(failed) == "its records were not counted"
