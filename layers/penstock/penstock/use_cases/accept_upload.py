"""From an object that appeared in the input bucket to a job that is being split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.domain.choice import AUTO, choose, chosen
from penstock.domain.endpoint_names import ANY_ENDPOINT, EndpointNames
from penstock.domain.envelopes import bad_message, field, optional_field
from penstock.domain.errors import PermanentError
from penstock.domain.identity import job_id_of
from penstock.domain.invoke import Invoke
from penstock.domain.job import Failure, Job, JobStatus, Redrive, Source
from penstock.domain.legible import is_whole
from penstock.domain.model_names import for_key
from penstock.domain.object_keys import (
    check_input_key,
    check_key_length,
    meaning_of,
    pipeline_candidates,
    pipeline_name,
    redriven_key,
)
from penstock.domain.payload import check_content_type
from penstock.domain.pipeline import Pipeline
from penstock.domain.remedies import advised
from penstock.pipeline_file import MAXIMUM_FILE, TOO_LONG, InvalidPipelineError, load_pipeline
from penstock.ports import Announcer, Endpoints, JobTable, Journal, ObjectRef, ObjectStore, Queues
from penstock.use_cases import messages
from penstock.use_cases.accept_redrive import AcceptRedrive
from penstock.use_cases.fail_job import ask_to_finish
from penstock.use_cases.split_input import regions_of

LARGEST_REGION_COUNT = 10_000
"""Regions of one job; beyond it they grow. Keeps the last step of splitting within seconds."""

_CREATED = "Object Created"


@dataclass(frozen=True, slots=True)
class Upload:
    """An "Object Created" event."""

    source: Source
    sequencer: str

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "Upload":
        """The key is verbatim: EventBridge, unlike S3's own notifications, doesn't encode it.

        Raises:
            PermanentError: `BadMessage`, it is no such event.
        """
        kind = optional_field(event, "detail-type", str)
        if kind != _CREATED:
            raise bad_message(
                f"no event `{_CREATED}` of EventBridge: `detail-type` is {kind!r:.80}"
            )
        source = Source(
            bucket=field(event, "detail.bucket.name", str),
            key=field(event, "detail.object.key", str),
            size=field(event, "detail.object.size", int),
            etag=field(event, "detail.object.etag", str),
            version_id=_version_of(event),
        )
        _check_source(source)
        return cls(source, optional_field(event, "detail.object.sequencer", str) or "")

    @property
    def job_id(self) -> str:
        revision = self.source.version_id or f"{self.source.etag}:{self.sequencer}"
        return job_id_of(self.source.bucket, self.source.key, revision)


def _version_of(event: dict[str, Any]) -> str | None:
    """None also while a bucket's versioning is suspended: the next object has the same id then.

    It is the text "null" (S3 User Guide, "Adding objects to versioning-suspended buckets").
    """
    found = optional_field(event, "detail.object.version-id", str)
    return None if found == "null" else found


def _check_source(source: Source) -> None:
    """S3 has no such objects; nor can their names be stored."""
    if not source.key or not source.bucket or source.size < 0:
        raise bad_message(f"there is no object {source.key!r:.80} of {source.size} bytes")
    if not is_whole(source.bucket + source.key):
        raise bad_message(f"the key {source.key!r:.80} is not UTF-8")


@dataclass(frozen=True, slots=True)
class AcceptUpload:
    """Creates the job if it is new and sends its regions to be scanned, every time it is asked."""

    objects: ObjectStore
    table: JobTable
    queues: Queues
    announcer: Announcer
    journal: Journal
    now: Callable[[], float]
    default_pipeline: str
    region_bytes: int
    input_bucket: str
    output_bucket: str
    endpoints: Endpoints
    callable_endpoints: EndpointNames = ANY_ENDPOINT
    models: EndpointNames = ANY_ENDPOINT

    def __call__(self, event: dict[str, Any]) -> None:
        upload = Upload.from_event(event)
        if upload.source.bucket != self.input_bucket:
            raise bad_message(f"{upload.source.bucket!r:.80} is not the input bucket")
        match meaning_of(upload.source.key, upload.source.size):
            case "input":
                self._start(upload)
            case "pipeline":
                self._check_pipeline(upload.source)

    def _check_pipeline(self, source: Source) -> None:
        try:
            self._load(source.bucket, source.key)
        except InvalidPipelineError as error:
            self.journal("PipelineInvalid", problems=error.problems)
            self.announcer.announce_bad_pipeline(
                {
                    "pipeline": pipeline_name(source.key),
                    "file": f"s3://{source.bucket}/{source.key}",
                    "problems": list(error.problems),
                }
            )

    def _start(self, upload: Upload) -> None:
        job = self._job_of(upload)
        if self.table.create_job(job):
            self.journal("JobStarted", job_id=job.job_id, pipeline=job.pipeline.source)
        else:
            job = self.table.get_job(job.job_id) or job
        if job.status not in _BEGINNING:
            # What is sent here has arrived: a late duplicate need not have the file read again.
            return
        if job.failure:
            ask_to_finish(self.queues, job.job_id)
        else:
            self.queues.split(job.job_id, _scans(job))

    def _job_of(self, upload: Upload) -> Job:
        failure = redrive = None
        try:
            redrive, pipeline = self._configured(upload)
        except PermanentError as error:
            failure = Failure(error.code, advised(error.code, error.message))
            pipeline = _no_pipeline(error)
        return Job(
            job_id=upload.job_id,
            source=upload.source,
            pipeline=pipeline,
            region_bytes=max(self.region_bytes, -(-upload.source.size // LARGEST_REGION_COUNT)),
            created_at=self.now(),
            failure=failure,
            redrive=redrive,
        )

    def _configured(self, upload: Upload) -> tuple[Redrive | None, Pipeline]:
        """The pipeline; for lines of an error file also what they are merged into.

        Raises:
            PermanentError: nothing can come of the object.
        """
        key = redriven_key(upload.source.key) or upload.source.key
        check_input_key(key)
        check_key_length(upload.source.key)
        pipeline = for_key(self._pipeline_for(upload.source), key)
        if pipeline.invoke.mode == AUTO:
            pipeline = self._chosen(pipeline, upload.source.size)
        check_content_type(pipeline.format_of(key), pipeline.content_type_of(key))
        if key == upload.source.key:
            return None, pipeline
        accept = AcceptRedrive(self.objects, self.table, self.output_bucket)
        return accept(upload.job_id, upload.source, key, pipeline)

    def _chosen(self, pipeline: Pipeline, size: int) -> Pipeline:
        invoke = pipeline.invoke
        kind = self.endpoints.kind_of(invoke.endpoint) if invoke.endpoint else None
        return chosen(pipeline, choose(invoke, size, kind), kind)

    def _pipeline_for(self, source: Source) -> Pipeline:
        for key in pipeline_candidates(source.key):
            pipeline = self._load(source.bucket, key)
            if pipeline:
                return pipeline
        return load_pipeline(self.default_pipeline, "stack parameters")

    def _load(self, bucket: str, key: str) -> Pipeline | None:
        try:
            text = self.objects.read(ObjectRef(bucket, key), limit=MAXIMUM_FILE)
        except PermanentError as error:
            if error.code == "ObjectNotFound":
                return None
            if error.code == "ObjectTooLarge":
                raise InvalidPipelineError(key, [TOO_LONG]) from error
            raise
        return load_pipeline(text, key, self.callable_endpoints, self.models)


_BEGINNING = frozenset({JobStatus.SUBMITTED, JobStatus.SPLITTING})


def _scans(job: Job) -> list[messages.Message]:
    return [messages.scan(job.job_id, number) for number in range(len(regions_of(job)))]


def _no_pipeline(error: PermanentError) -> Pipeline:
    """A stand-in for a job that fails before it has a configuration."""
    source = error.source if isinstance(error, InvalidPipelineError) else "unknown"
    return Pipeline(invoke=Invoke(endpoint=""), source=source)
