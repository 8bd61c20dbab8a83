"""Transform jobs as values, and the answers about them. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from penstock_local.sagemaker.resources import Model, arn

IN_PROGRESS = "InProgress"
COMPLETED = "Completed"
FAILED = "Failed"
STOPPING = "Stopping"
STOPPED = "Stopped"
RUNNING = (IN_PROGRESS, STOPPING)
_NOT_DESCRIBED = ("Tags",)
_LONGEST_REASON = 1024
_TIMES = {
    "CreationTime": "created",
    "TransformStartTime": "started",
    "TransformEndTime": "ended",
}


@dataclass(frozen=True)
class TransformJob:
    """Holds the model that it runs: it may be deleted meanwhile."""

    name: str
    request: dict[str, Any]
    model: Model
    status: str
    created: float
    modified: float
    started: float | None = None
    ended: float | None = None
    failure_reason: str | None = None

    @property
    def instance_count(self) -> int:
        count: int = self.request["TransformResources"]["InstanceCount"]
        return count

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    def begun(self, now: float) -> "TransformJob":
        return replace(self, started=now, modified=now)

    def stopping(self, now: float) -> "TransformJob":
        return replace(self, status=STOPPING, modified=now)

    def over(self, status: str, now: float, reason: str | None = None) -> "TransformJob":
        shown = reason and reason[:_LONGEST_REASON]
        return replace(self, status=status, modified=now, ended=now, failure_reason=shown)


def job_document(job: TransformJob, region: str) -> dict[str, Any]:
    """What DescribeTransformJob answers: the request with its defaults, and what became of it."""
    given = {name: value for name, value in job.request.items() if name not in _NOT_DESCRIBED}
    return {
        **given,
        "TransformInput": {
            "CompressionType": "None",
            "SplitType": "None",
            **given["TransformInput"],
        },
        "TransformOutput": {"AssembleWith": "None", **given["TransformOutput"]},
        "DataProcessing": {
            "InputFilter": "$",
            "OutputFilter": "$",
            "JoinSource": "None",
            **(given.get("DataProcessing") or {}),
        },
        **_outcome(job, region),
        **{name: moment for name, moment in times(job).items() if moment is not None},
    }


def job_summary(job: TransformJob, region: str) -> dict[str, Any]:
    moments = times(job)
    return {
        "TransformJobName": job.name,
        **_outcome(job, region),
        "CreationTime": moments["CreationTime"],
        "LastModifiedTime": job.modified,
        **({"TransformEndTime": job.ended} if job.ended is not None else {}),
    }


def times(job: TransformJob) -> dict[str, float | None]:
    return {name: getattr(job, attribute) for name, attribute in _TIMES.items()}


def _outcome(job: TransformJob, region: str) -> dict[str, Any]:
    reason = {"FailureReason": job.failure_reason} if job.failure_reason else {}
    return {
        "TransformJobArn": arn(region, "transform-job", job.name),
        "TransformJobStatus": job.status,
        **reason,
    }
