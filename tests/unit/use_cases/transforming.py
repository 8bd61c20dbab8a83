"""What SageMaker does with a transform job: each object to the model, an output if it answers."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from penstock.domain.errors import PermanentError
from penstock.domain.locations import parse_location
from penstock.domain.transform_event import DETAIL_TYPE
from penstock.domain.transform_job import Report, Status, inference_of, place_of
from penstock.ports import AsyncRequest, ObjectRef
from penstock.ports_transform import TransformRequest
from penstock.testing import FakeObjects, FakeTransforms

CLIENT = "ClientError: See job logs for more information"
SERVER = "AlgorithmError: See job logs for more information"

Predict = Callable[[bytes, AsyncRequest], bytes | None]


@dataclass
class TransformService:
    """`fails` is the reason of jobs that come to no record; `loses` objects that are left out."""

    objects: FakeObjects
    transforms: FakeTransforms
    predict: Predict
    fails: str | None = None
    reason: str = CLIENT
    transformed: list[tuple[str, list[str]]] = field(default_factory=list)

    def run(self, name: str) -> Iterator[dict[str, Any]]:
        """The job's events. A job that is being stopped has come to half of its objects."""
        (request,) = (each for each in self.transforms.requests if each.name == name)
        report = self.transforms.reports[name]
        if report.status.terminal:
            return
        yield event(request, report)
        prefix, names = self._inputs(request)
        stopped = report.status is Status.STOPPING
        if self.fails:
            names = []
        done = [self._transform(request, prefix, each) for each in self._share(names, stopped)]
        self.transformed.append((name, names))
        if stopped:
            ended = self.transforms.end(name, Status.STOPPED)
        elif self.fails or not all(done):
            ended = self.transforms.end(name, Status.FAILED, self.fails or self.reason)
        else:
            ended = self.transforms.end(name, Status.COMPLETED)
        yield event(request, ended)

    def _share(self, names: list[str], stopped: bool) -> list[str]:
        return names[: len(names) // 2] if stopped else names

    def _inputs(self, request: TransformRequest) -> tuple[str, list[str]]:
        manifest = json.loads(self.objects.read(ObjectRef(*parse_location(request.manifest))))
        return manifest[0]["prefix"], manifest[1:]

    def _transform(self, request: TransformRequest, prefix: str, name: str) -> bool:
        try:
            body = self.objects.read(ObjectRef(*parse_location(prefix + name)))
        except PermanentError:
            return False
        transform = request.invoke.transform
        if transform and transform.compression:
            body = gzip.decompress(body)
        answer = self.predict(body, _as_invocation(request, name))
        if answer is None:
            return False
        bucket, key = parse_location(request.output)
        self.objects.put(bucket, f"{key}{name}.out", answer, "")
        return True


def _as_invocation(request: TransformRequest, name: str) -> AsyncRequest:
    """For models that are the same for all inference types."""
    try:
        inference_id = str(inference_of(place_of(request.name)[0], name))
    except PermanentError:  # the input itself
        inference_id = f"{place_of(request.name)[0]}:00000.0000:1:1:1"
    return AsyncRequest(
        endpoint="demo",
        inference_id=inference_id,
        content_type=request.content_type,
        accept=request.accept,
        timeout=request.timeout,
        queue_timeout=0,
    )


def event(request: TransformRequest, report: Report) -> dict[str, Any]:
    """As EventBridge sends it."""
    times = {"TransformStartTime": report.started_at, "TransformEndTime": report.ended_at}
    return {
        "version": "0",
        "detail-type": DETAIL_TYPE,
        "source": "aws.sagemaker",
        "detail": {
            "TransformJobName": request.name,
            "TransformJobStatus": report.status.value,
            **({"FailureReason": report.reason} if report.reason else {}),
            **{name: int(at * 1000) for name, at in times.items() if at is not None},
        },
    }
