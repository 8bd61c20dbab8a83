"""The operations on transform jobs."""

from typing import Any

from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.errors import ApiError, validation_exception
from penstock_local.sagemaker.listing import TRANSFORM_JOBS, page
from penstock_local.sagemaker.locations import parse
from penstock_local.sagemaker.operations import Document, Operation
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.resources import arn
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.transform_hosting import TransformHosting
from penstock_local.sagemaker.transform_inputs import (
    ManifestError,
    Source,
    of_manifest,
    of_prefix,
    parse_manifest,
)
from penstock_local.sagemaker.transform_job import (
    IN_PROGRESS,
    TransformJob,
    job_document,
    job_summary,
)
from penstock_local.sagemaker.transform_jobs import TransformJobs
from penstock_local.sagemaker.transform_request import (
    check_transform,
    check_transform_model,
    nothing_found,
)

_MANIFEST_BYTES = 64 * 1024 * 1024


class TransformOperations:
    def __init__(
        self,
        registry: Registry,
        jobs: TransformJobs,
        hosting: TransformHosting,
        services: Services,
    ) -> None:
        self._registry = registry
        self._jobs = jobs
        self._hosting = hosting
        self._services = services

    def table(self) -> dict[str, Operation]:
        return {
            "CreateTransformJob": self._create,
            "DescribeTransformJob": self._describe,
            "StopTransformJob": self._stop,
            "ListTransformJobs": self._list,
        }

    async def _create(self, request: Document) -> Document:
        check_transform(request)
        model, now = self._registry.model(request["ModelName"]), self._services.clock.now()
        check_transform_model(model)
        job = TransformJob(request["TransformJobName"], request, model, IN_PROGRESS, now, now)
        self._check_new(job)
        sources = await self._sources(job)
        self._check_new(job)  # once more: another request may have come meanwhile
        self._hosting.create(job, sources)
        return {"TransformJobArn": self._arn(job)}

    def _describe(self, request: Document) -> Document:
        job = self._jobs.get(request["TransformJobName"])
        return job_document(job, self._services.region)

    def _stop(self, request: Document) -> Document:
        job = self._jobs.get(request["TransformJobName"])
        if job.status != IN_PROGRESS:
            raise validation_exception(
                f"The request was rejected because the transform job is in status {job.status}."
            )
        self._hosting.stop(job)
        return {}

    def _list(self, request: Document) -> Document:
        summaries = [job_summary(job, self._services.region) for job in self._jobs.all()]
        return page(TRANSFORM_JOBS, summaries, request)

    def _check_new(self, job: TransformJob) -> None:
        self._jobs.check_new(job, self._services.limits.now.transform_instances)

    async def _sources(self, job: TransformJob) -> list[Source]:
        """Raises ApiError if there are none."""
        source: dict[str, Any] = job.request["TransformInput"]["DataSource"]["S3DataSource"]
        output, url = job.request["TransformOutput"]["S3OutputPath"], source["S3Uri"]
        try:
            if source["S3DataType"] == "ManifestFile":
                return await self._of_manifest(url, output)
            found = of_prefix(parse(url), await self._services.aws.keys(url), output)
        except AwsError as error:
            raise self._nothing_found(job, url) from error
        if not found:
            raise self._nothing_found(job, url)
        return found

    async def _of_manifest(self, url: str, output: str) -> list[Source]:
        with await self._services.aws.fetch(url, _MANIFEST_BYTES) as content:
            content.seek(0)
            try:
                return of_manifest(parse_manifest(content.read()), output)
            except ManifestError as error:
                raise validation_exception(f"{url} is no manifest: {error}.") from error

    def _nothing_found(self, job: TransformJob, url: str) -> ApiError:
        role = job.model.request.get("ExecutionRoleArn", "")
        return nothing_found(url, parse(url).bucket, self._services.region, role)

    def _arn(self, job: TransformJob) -> str:
        return arn(self._services.region, "transform-job", job.name)
