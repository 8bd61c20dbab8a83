"""Multipart uploads that a function left open when it died: their parts cost money for ever."""

from collections.abc import Callable
from dataclasses import astuple, dataclass

from penstock.domain.errors import PenstockError
from penstock.domain.job import Job
from penstock.domain.object_keys import output_keys
from penstock.ports import Journal, ObjectStore, Upload

LIFETIME = 900.0
"""Seconds that a Lambda function can run (Lambda quotas): an older upload has nobody any more."""


@dataclass(frozen=True, slots=True)
class AbortLeaks:
    """Looks where a job's uploads may be. What is left after its end, the buckets' rules abort."""

    objects: ObjectStore
    journal: Journal
    now: Callable[[], float]
    work_bucket: str
    output_bucket: str

    def __call__(self, job: Job) -> None:
        """Keeps nobody from their work: what it cannot do is only told."""
        try:
            self._abort(job)
        except PenstockError as error:
            self.journal("AbortFailed", job_id=job.job_id, code=error.code, reason=error.message)

    def _abort(self, job: Job) -> None:
        for upload in [*self._of_pieces(job), *self._of_outputs(job)]:
            self.objects.abort_upload(upload)
            self.journal("UploadAborted", job_id=job.job_id, key=upload.key)

    def _of_pieces(self, job: Job) -> list[Upload]:
        return self._forgotten(self.work_bucket, f"pieces/{job.job_id}/")

    def _of_outputs(self, job: Job) -> list[Upload]:
        key = job.redrive.source.key if job.redrive else job.source.key
        keys = astuple(output_keys(key))
        found = self._forgotten(self.output_bucket, f"{key}.")
        return [upload for upload in found if upload.key in keys]

    def _forgotten(self, bucket: str, prefix: str) -> list[Upload]:
        return self.objects.open_uploads(bucket, prefix, self.now() - LIFETIME)
