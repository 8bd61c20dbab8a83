"""Jobs in words."""

from penstock.domain.job import Job, JobStatus
from penstock.domain.object_keys import pipeline_name
from penstock_cli.pace import Pace
from penstock_cli.progress import Progress
from penstock_cli.quantities import duration, plural

_STOPPING = {JobStatus.CANCELLED: "CANCELLING", JobStatus.FAILED: "FAILING"}


def status_of(seen: Progress) -> str:
    if seen.stopping:
        return _STOPPING[seen.stopping]
    return seen.status.value if seen.status else "WAITING"


def status_of_job(job: Job) -> str:
    """Also tells of one that was stopped, and ends as soon as its chunks are settled."""
    if job.stop and not job.status.terminal:
        return _STOPPING[job.stop.status]
    return job.status.value


def progress_text(seen: Progress, pace: Pace) -> str:
    """All about a moment but the status."""
    if seen.status is None:
        return "for the upload to be accepted"
    if seen.records_total is None and seen.status.terminal:
        return "its records were not counted"
    if seen.records_total is None:
        return f"{seen.regions_done:,} of {plural(seen.regions_total or 0, 'region')}"
    return ", ".join([_records(seen), *_speed(seen, pace)])


def _records(seen: Progress) -> str:
    return part_of(seen.records_done, seen.records_total)


def part_of(done: int, total: int | None) -> str:
    """So many records of all; None if those have not been counted."""
    if total is None:
        return f"{done:,} of a number of records that is not known yet"
    percent = 100 * done // total if total else 100
    return f"{done:,} of {plural(total, 'record')} ({percent}%)"


def _speed(seen: Progress, pace: Pace) -> list[str]:
    left = pace.seconds_left(seen)
    if not left:
        return []
    return [f"{pace.records_per_second:,.0f}/s", f"{duration(left)} left"]


def counts(job: Job) -> str:
    """The records of a finished job, or as many as are known."""
    if job.totals is None:
        return "its records were not counted"
    if job.summary is None:
        return plural(job.totals.records, "record")
    records = job.summary["records"]
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
