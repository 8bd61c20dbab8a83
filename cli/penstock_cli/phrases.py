"""Numbers and states as people read them."""

from datetime import datetime

from penstock.domain.job import Job
from penstock.domain.object_keys import pipeline_name

from penstock_cli.pace import Pace
from penstock_cli.progress import Progress

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """With the two units that matter: 4.2 s, 42 s, 3 min 20 s, 2 h 05 min, 3 d 4 h."""
    if round(seconds, 1) < 10:  # noqa: PLR2004
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def age(seconds: float) -> str:
    """With the one unit that matters."""
    whole = max(0, int(seconds))
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if whole >= 2 * length:
            return f"{whole // length} {unit} ago"
    return f"{whole} s ago"


def size(count: int) -> str:
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def moment(seconds: float) -> str:
    """In the reader's time zone."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def status_of(seen: Progress) -> str:
    return seen.status.value if seen.status else "WAITING"


def progress_text(seen: Progress, pace: Pace) -> str:
    """All about a moment but the status."""
    if seen.status is None:
        return "for the upload to be accepted"
    if seen.records_total is None and seen.status.terminal:
        return "before its records were counted"
    if seen.records_total is None:
        return f"{seen.regions_done:,} of {plural(seen.regions_total or 0, 'region')}"
    return ", ".join([_records(seen), *_speed(seen, pace)])


def _records(seen: Progress) -> str:
    total = seen.records_total or 0
    percent = 100 * seen.records_done // total if total else 100
    return f"{seen.records_done:,} of {plural(total, 'record')} ({percent}%)"


def _speed(seen: Progress, pace: Pace) -> list[str]:
    left = pace.seconds_left(seen)
    if not left:
        return []
    return [f"{pace.records_per_second:,.0f}/s", f"{duration(left)} left"]


def counts(job: Job) -> str:
    """The records of a finished job, or as many as are known."""
    records = job.summary["records"] if job.summary else None
    if records is None:
        return plural(job.totals.records, "record") if job.totals else "records unknown"
    failed = f", {records['failed']:,} failed" if records["failed"] else ""
    return f"{plural(records['total'], 'record')}: {records['succeeded']:,} predicted{failed}"


def took(job: Job, now: float) -> float:
    """Seconds that the job took, or has been at it."""
    return (job.finished_at or now) - job.created_at


def pipeline_of(job: Job) -> str:
    return pipeline_name(job.pipeline.source)


def outputs_of(job: Job) -> dict[str, str]:
    """s3:// URIs by name, the manifest last."""
    summary = job.summary or {}
    outputs = dict(summary.get("outputs") or {})
    return outputs | ({"manifest": summary["manifest"]} if summary.get("manifest") else {})
