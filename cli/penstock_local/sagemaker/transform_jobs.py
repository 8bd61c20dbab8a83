"""The transform jobs by name. Names are taken for ever, so the jobs outlive the server.

<https://github.com/aws/amazon-sagemaker-examples/issues/633>: no job can be deleted.
"""

import json
from dataclasses import asdict
from pathlib import Path

from penstock_local.sagemaker.errors import quota_exceeded, validation_exception
from penstock_local.sagemaker.resources import Model, arn
from penstock_local.sagemaker.transform_job import FAILED, TransformJob
from penstock_local.sagemaker.transform_request import name_taken

_QUOTA = "Number of instances across all transform jobs/Instances"
_RESTARTED = "InternalServerError: the local SageMaker was restarted while the job ran."


class TransformJobs:
    """One line for each state of each job: the last one counts."""

    def __init__(self, folder: Path, region: str) -> None:
        self._file = folder / "transform-jobs.jsonl"
        self._region = region
        self._jobs: dict[str, TransformJob] = {}

    def load(self, now: float) -> list[TransformJob]:
        """Reads what is stored; returns the jobs that this ends, since nothing runs any more."""
        text = self._file.read_text() if self._file.exists() else ""
        if not text.endswith("\n"):
            self._file.write_text(f"{text}\n")  # a kill cut the last line off: the next is whole
        found = [job for line in text.splitlines() if (job := _job(line))]
        self._jobs = {job.name: job for job in found}
        interrupted = [job for job in self._jobs.values() if job.is_running]
        return [self.put(job.over(FAILED, now, _RESTARTED)) for job in interrupted]

    def all(self) -> list[TransformJob]:
        return list(self._jobs.values())

    def get(self, name: str) -> TransformJob:
        """Raises ApiError, in the words that the controllers for Kubernetes look for."""
        if name not in self._jobs:
            raise validation_exception(f"Could not find requested job with name: {name}")
        return self._jobs[name]

    def check_new(self, job: TransformJob, instances: int) -> None:
        """Whether the name is free and the quota suffices. Raises ApiError."""
        if job.name in self._jobs:
            raise name_taken(arn(self._region, "transform-job", job.name))
        used = sum(item.instance_count for item in self.all() if item.is_running)
        if used + job.instance_count > instances:
            raise quota_exceeded(_QUOTA, instances, used, job.instance_count)

    def put(self, job: TransformJob) -> TransformJob:
        with self._file.open("a") as file:
            file.write(json.dumps(asdict(job)) + "\n")
        self._jobs[job.name] = job
        return job


def _job(line: str) -> TransformJob | None:
    """None for a line that was not written to its end."""
    try:
        item = json.loads(line)
    except ValueError:
        return None
    return TransformJob(**{**item, "model": Model(**item["model"])})
