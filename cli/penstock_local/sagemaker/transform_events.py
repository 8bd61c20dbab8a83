"""The event that EventBridge gets for each change of a transform job's state. Pure.

Guide, `automating-sagemaker-with-eventbridge`. Its example has times in ISO 8601 for this event and
in milliseconds for others; the one capture that is public has milliseconds, and so do we.
"""

from datetime import UTC, datetime
from typing import Any

from penstock_local.sagemaker.errors import ACCOUNT
from penstock_local.sagemaker.resources import arn
from penstock_local.sagemaker.transform_job import TransformJob, times

_FROM_THE_REQUEST = (
    "ModelName",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "BatchStrategy",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
)


def event(job: TransformJob, event_id: str, region: str, now: float) -> dict[str, Any]:
    where = arn(region, "transform-job", job.name)
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "SageMaker Transform Job State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "time": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [where],
        "detail": _detail(job, where),
    }


def _detail(job: TransformJob, where: str) -> dict[str, Any]:
    given = {name: job.request[name] for name in _FROM_THE_REQUEST if name in job.request}
    reason = {"FailureReason": job.failure_reason} if job.failure_reason else {}
    tags = {tag["Key"]: tag["Value"] for tag in job.request.get("Tags") or []}
    moments = {name: int(at * 1000) for name, at in times(job).items() if at is not None}
    return {
        "TransformJobName": job.name,
        "TransformJobArn": where,
        "TransformJobStatus": job.status,
        **reason,
        **given,
        "Environment": job.request.get("Environment") or {},
        **moments,
        "Tags": tags,
    }
