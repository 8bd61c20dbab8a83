"""From lines of an error file that were dropped to what they will be merged into."""

from dataclasses import dataclass

from penstock.domain.delivered import LARGEST_MANIFEST, Delivered
from penstock.domain.errors import PermanentError
from penstock.domain.job import Redrive, Source
from penstock.domain.manifest import StoredObject
from penstock.domain.object_keys import output_keys
from penstock.domain.pipeline import Pipeline
from penstock.domain.redrive_plan import check_pipeline, of_records, plan_redrive
from penstock.ports import JobTable, ObjectStore


@dataclass(frozen=True, slots=True)
class AcceptRedrive:
    """Finds the newest outputs of the file whose records failed, and claims them for the job."""

    objects: ObjectStore
    table: JobTable
    output_bucket: str

    def __call__(
        self, job_id: str, dropped: Source, key: str, pipeline: Pipeline
    ) -> tuple[Redrive, Pipeline]:
        """What the job merges its records into, and the pipeline for them.

        Args:
            key: of the file whose records failed.
            pipeline: what governs it now.

        Raises:
            PermanentError: they cannot be merged, or another job is at it.
        """
        manifest, body = self._newest(key)
        delivered = Delivered.parse(body, manifest.key)
        redrive = plan_redrive(dropped, key, manifest, delivered)
        check_pipeline(delivered, pipeline)
        self._claim(redrive.lineage, job_id, key)
        return redrive, of_records(pipeline, key)

    def _newest(self, key: str) -> tuple[StoredObject, bytes]:
        name = output_keys(key).manifest
        try:
            return self.objects.newest(self.output_bucket, name, limit=LARGEST_MANIFEST)
        except PermanentError as error:
            if error.code != "ObjectNotFound":
                raise
            message = f"{key} has no outputs (yet): wait for the end of its job, or drop it first"
            raise PermanentError("NothingToRedrive", message) from error

    def _claim(self, lineage: str, job_id: str, key: str) -> None:
        name = f"redrive#{lineage}"
        holder = self.table.claim(name, job_id, None)
        if holder != job_id and self._has_ended(holder):
            holder = self.table.claim(name, job_id, holder)
        if holder != job_id:
            message = (
                f"job {holder} redrives {key} already: wait for its end, then redrive the rest"
            )
            raise PermanentError("RedriveInProgress", message)

    def _has_ended(self, job_id: str) -> bool:
        job = self.table.get_job(job_id)
        return job is None or job.status.terminal
