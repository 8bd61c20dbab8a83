"""What the user is told at the end of a job."""

from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from penstock.domain.job import Failure, Job, JobStatus, Tally, standing
from penstock.domain.object_keys import pipeline_name
from penstock.domain.pricing import Usage, estimated_dollars
from penstock.domain.transform_job import TransformJob

MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object that was delivered, with what S3 said of it."""

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str | None = None
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """What a job took. `attempts` counts invocations; `staged` those that went through S3."""

    attempts: int = 0
    retries: int = 0
    staged: int = 0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(
            self.attempts + other.attempts,
            self.retries + other.retries,
            self.staged + other.staged,
        )


@dataclass(frozen=True, slots=True)
class Redriven:
    """How the records of a redrive ended, of all that its file has."""

    records: int
    succeeded: int


@dataclass(frozen=True, slots=True)
class Ending:
    """All that decides the last words about a job.

    `lines` are newlines in the predictions, `serving` tells which variants have answered.
    """

    status: JobStatus
    failure: Failure | None
    tally: Tally
    effort: Effort
    finished_at: float
    outputs: dict[str, StoredObject]
    lines: int | None = None
    redriven: Redriven | None = None
    transform_jobs: tuple[TransformJob, ...] = ()
    serving: dict[str, Any] = field(default_factory=dict)


def build_manifest(job: Job, ending: Ending) -> dict[str, Any]:
    """The document of `<key>.manifest.json`. Times are ISO 8601 in UTC, durations seconds."""
    return {
        "manifest_version": MANIFEST_VERSION,
        "job_id": job.job_id,
        "status": ending.status.value,
        "failure": asdict(ending.failure) if ending.failure else None,
        "input": asdict(job.source) | {"header": job.totals.header if job.totals else None},
        "records": _records(ending.tally),
        "chunks": job.totals.chunks if job.totals else 0,
        "attempts": ending.effort.attempts,
        "retries": ending.effort.retries,
        **_choice(job),
        **ending.serving,
        "timings": _timings(job, ending.finished_at),
        "cost_estimate": _cost(job, ending.effort),
        **_transform_jobs(job, ending),
        "outputs": outputs_document(ending),
        "pipeline": job.pipeline.to_json(),
    }


def _transform_jobs(job: Job, ending: Ending) -> dict[str, Any]:
    if job.pipeline.invoke.transform is None:
        return {}
    return {"transform_jobs": [each.to_document() for each in ending.transform_jobs]}


def _choice(job: Job) -> dict[str, Any]:
    invoke = job.pipeline.invoke
    if invoke.choice is None:
        return {}
    return {"choice": {"mode": invoke.mode, "reason": invoke.choice}}


def build_merged_manifest(before: dict[str, Any], job: Job, ending: Ending) -> dict[str, Any]:
    """The manifest of a file after a redrive, from the one `before` it.

    What it says of the file as a whole is as of now; what it took adds up; the rest stays. How the
    redrive itself ended is told among the others.
    """
    status, failure = standing(job.pipeline, ending.tally)
    cost = before["cost_estimate"]
    dollars = round(cost["usd"] + _cost(job, ending.effort)["usd"], 6)
    return before | {
        "status": status.value,
        "failure": asdict(failure) if failure else None,
        "records": _records(ending.tally),
        "chunks": before["chunks"] + (job.totals.chunks if job.totals else 0),
        "attempts": before["attempts"] + ending.effort.attempts,
        "retries": before["retries"] + ending.effort.retries,
        "cost_estimate": cost | {"usd": dollars},
        "outputs": outputs_document(ending),
        "redrives": [*before.get("redrives", []), _redrive_document(job, ending)],
    }


def merged_ending(document: dict[str, Any], now: float) -> Ending:
    """How a redrive ended whose merged manifest this is."""
    records, latest = document["records"], document["redrives"][-1]
    outputs = document["outputs"]
    names = [each.name for each in fields(StoredObject)]
    return Ending(
        status=JobStatus(latest["status"]),
        failure=Failure(**latest["failure"]) if latest["failure"] else None,
        tally=Tally(records["succeeded"], records["failed"]),
        effort=Effort(),
        finished_at=now,
        outputs={
            name: StoredObject(**{each: stored[each] for each in names})
            for name, stored in outputs.items()
        },
        redriven=Redriven(latest["records"], latest["succeeded"]),
    )


def _redrive_document(job: Job, ending: Ending) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "status": ending.status.value,
        "failure": asdict(ending.failure) if ending.failure else None,
        "at": iso(ending.finished_at),
        "seconds": round(ending.finished_at - job.created_at, 3),
        **(asdict(ending.redriven) if ending.redriven else {}),
        **_transform_jobs(job, ending),
        "input": asdict(job.source),
        "pipeline": job.pipeline.to_json(),
    }


def outputs_document(ending: Ending) -> dict[str, dict[str, Any]]:
    documents = {name: asdict(stored) for name, stored in ending.outputs.items()}
    if "predictions" in documents:
        documents["predictions"]["lines"] = ending.lines
    return documents


def _records(tally: Tally) -> dict[str, int]:
    return {"total": tally.total, "succeeded": tally.succeeded, "failed": tally.failed}


def _timings(job: Job, finished_at: float) -> dict[str, Any]:
    return {
        "created_at": iso(job.created_at),
        "split_at": iso(job.split_at) if job.split_at else None,
        "finished_at": iso(finished_at),
        "seconds": round(finished_at - job.created_at, 3),
    }


def _cost(job: Job, effort: Effort) -> dict[str, Any]:
    usage = Usage(effort.attempts, effort.staged)
    dollars = estimated_dollars(usage, job.pipeline.invoke.mode)
    return {"usd": round(dollars, 6), "excludes": "model instances, data transfer, free tiers"}


def iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def build_summary(job: Job, ending: Ending, manifest: str | None) -> dict[str, Any]:
    """The body of the notification and the detail of the event: the manifest without its bulk."""
    outputs = {
        name: f"s3://{stored.bucket}/{stored.key}" for name, stored in ending.outputs.items()
    }
    source = job.redrive.source if job.redrive else job.source
    return {
        "job_id": job.job_id,
        "status": ending.status.value,
        "pipeline": pipeline_name(job.pipeline.source),
        "input": f"s3://{source.bucket}/{source.key}",
        **_redrive_summary(job, ending),
        "records": _records(ending.tally),
        "failure": asdict(ending.failure) if ending.failure else None,
        "outputs": outputs,
        "manifest": manifest,
        "seconds": round(ending.finished_at - job.created_at, 3),
    }


def _redrive_summary(job: Job, ending: Ending) -> dict[str, Any]:
    if job.redrive is None:
        return {}
    counts = asdict(ending.redriven) if ending.redriven else {"records": None, "succeeded": 0}
    return {"redrive": {"of": job.redrive.lineage, **counts}}
