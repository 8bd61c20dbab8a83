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
DIED = "AlgorithmError: The container exited"
"""Of a record that no container survives: its transform job comes to nothing that stands behind."""

Predict = Callable[[bytes, AsyncRequest], bytes | str]
"""An answer, or the reason why there is none."""


@dataclass
class TransformService:
    """`fails` is the reason of jobs that come to no record."""

    objects: FakeObjects
    transforms: FakeTransforms
    predict: Predict
    fails: str | None = None
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
        share = names[: len(names) // 2] if stopped else names
        reasons = self._transform_all(request, prefix, share)
        self.transformed.append((name, names))
        if stopped:
            ended = self.transforms.end(name, Status.STOPPED)
        elif self.fails or reasons:
            ended = self.transforms.end(name, Status.FAILED, self.fails or reasons[0])
        else:
            ended = self.transforms.end(name, Status.COMPLETED)
        yield event(request, ended)

    def _inputs(self, request: TransformRequest) -> tuple[str, list[str]]:
        manifest = json.loads(self.objects.read(ObjectRef(*parse_location(request.manifest))))
        return manifest[0]["prefix"], manifest[1:]

    def _transform_all(self, request: TransformRequest, prefix: str, names: list[str]) -> list[str]:
        """Why there is no output, of those that have none, as far as the container lives."""
        reasons = []
        for name in names:
            reason = self._transform(request, prefix, name)
            if reason:
                reasons.append(reason)
            if reason == DIED:
                break
        return reasons

    def _transform(self, request: TransformRequest, prefix: str, name: str) -> str | None:
        """Why there is no output, if there is none."""
        try:
            body = self.objects.read(ObjectRef(*parse_location(prefix + name)))
        except PermanentError:
            return CLIENT
        transform = request.invoke.transform
        if transform and transform.compression:
            body = gzip.decompress(body)
        answer = self.predict(body, _as_invocation(request, name))
        if isinstance(answer, str):
            return answer
        bucket, key = parse_location(request.output)
        self.objects.put(bucket, f"{key}{name}.out", answer, "")
        return None


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
