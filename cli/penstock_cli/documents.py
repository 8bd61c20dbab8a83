"""Jobs as JSON, for programs."""

from dataclasses import asdict
from typing import Any

from penstock.domain.job import Job, Stop
from penstock.domain.manifest import iso
from penstock_cli.phrases import outputs_of, pipeline_of, took
from penstock_cli.progress import Progress


def job_document(job: Job, now: float) -> dict[str, Any]:
    """Times are ISO 8601 in UTC, `seconds` what the job took or has been at it."""
    summary = job.summary or {}
    return {
        "job_id": job.job_id,
        "status": job.status.value,
        "pipeline": pipeline_of(job),
        "input": asdict(job.source),
        "totals": asdict(job.totals) if job.totals else None,
        "records": summary.get("records"),
        "failure": asdict(job.failure) if job.failure else None,
        "stop": _stop(job.stop) if job.stop else None,
        "outputs": outputs_of(job),
        "created_at": iso(job.created_at),
        "split_at": iso(job.split_at) if job.split_at else None,
        "finished_at": iso(job.finished_at) if job.finished_at else None,
        "seconds": round(took(job, now), 3),
    }


def _stop(stop: Stop) -> dict[str, Any]:
    return asdict(stop) | {"at": iso(stop.at)}


def progress_document(seen: Progress) -> dict[str, Any]:
    """Done and in all; totals are null until splitting has found them."""
    return {
        name: {"done": getattr(seen, f"{name}_done"), "total": getattr(seen, f"{name}_total")}
        for name in ("regions", "chunks", "records")
    }
