"""Transform jobs of SageMaker's control plane."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock.adapters.aws import client, error_code, error_status, translated
from penstock.domain.errors import PermanentError
from penstock.domain.transform import Transform
from penstock.domain.transform_job import Report, Status
from penstock.domain.transform_trouble import CreationError, creation_trouble
from penstock.domain.trouble import Kind, Trouble
from penstock.ports_transform import TransformRequest

_VALIDATION = frozenset({"ValidationException", "ValidationError", "ResourceNotFound"})


def control_client() -> Any:
    """One attempt a call: CreateTransformJob is for one call a second, and we wait ourselves."""
    return client("sagemaker", retries={"total_max_attempts": 1})


@dataclass(slots=True)
class Pace:
    """Keeps calls a second apart: the quota of CreateTransformJob, which nobody can raise."""

    sleep: Callable[[float], None] = time.sleep
    _lock: Lock = field(default_factory=Lock)
    _next: float = 0.0

    def wait(self) -> None:
        with self._lock:
            self.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + 1.0


@dataclass(frozen=True, slots=True)
class SageMakerTransforms:
    """Transforms over a sagemaker client."""

    sagemaker: Any
    pace: Pace = field(default_factory=Pace)

    def create(self, request: TransformRequest) -> None:
        self.pace.wait()
        try:
            self.sagemaker.create_transform_job(**_parameters(request))
        except ClientError as error:
            if error_code(error) != "ResourceInUse":
                raise CreationError(_trouble(error)) from error
        except BotoCoreError as error:
            trouble = Trouble(Kind.RETRYABLE, "ConnectionError", str(error))
            raise CreationError(trouble) from error

    def describe(self, name: str) -> Report | None:
        try:
            with translated(name):
                found = self.sagemaker.describe_transform_job(TransformJobName=name)
        except PermanentError as error:
            if error.code in _VALIDATION:
                return None
            raise
        return Report(
            status=Status(found["TransformJobStatus"]),
            reason=found.get("FailureReason"),
            started_at=_epoch(found.get("TransformStartTime")),
            ended_at=_epoch(found.get("TransformEndTime")),
        )

    def stop(self, name: str) -> None:
        try:
            with translated(name):
                self.sagemaker.stop_transform_job(TransformJobName=name)
        except PermanentError as error:
            if error.code not in _VALIDATION:
                raise


def _epoch(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _trouble(error: ClientError) -> Trouble:
    details = error.response.get("Error", {})
    message = str(details.get("Message") or error)
    return creation_trouble(error_code(error), error_status(error), message)


def _parameters(request: TransformRequest) -> dict[str, Any]:
    transform = request.invoke.transform
    assert transform is not None  # noqa: S101  none is created for another mode
    return _given(
        {
            "TransformJobName": request.name,
            "ModelName": transform.model,
            "MaxConcurrentTransforms": transform.max_concurrent_transforms,
            "MaxPayloadInMB": transform.max_payload,
            "BatchStrategy": _strategy(transform),
            "ModelClientConfig": _given(
                {
                    "InvocationsTimeoutInSeconds": request.timeout,
                    "InvocationsMaxRetries": transform.max_retries,
                }
            ),
            "Environment": transform.environment or None,
            "TransformInput": _input(request, transform),
            "TransformOutput": _output(request, transform),
            "TransformResources": _given(
                {
                    "InstanceType": transform.instance_type,
                    "InstanceCount": transform.instance_count,
                    "VolumeKmsKeyId": transform.volume_kms_key,
                    "TransformAmiVersion": transform.transform_ami_version,
                }
            ),
            "DataProcessing": _processing(transform) or None,
            "DataCaptureConfig": _capture(transform) or None,
            "ExperimentConfig": _experiment(transform) or None,
            "Tags": [{"Key": key, "Value": value} for key, value in transform.tags.items()] or None,
        }
    )


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what is left to SageMaker."""
    return {name: value for name, value in fields.items() if value is not None}


def _strategy(transform: Transform) -> str | None:
    return transform.strategy or ("MultiRecord" if transform.by_line else None)


def _input(request: TransformRequest, transform: Transform) -> dict[str, Any]:
    source = {"S3DataType": "ManifestFile", "S3Uri": request.manifest}
    return {
        "DataSource": {"S3DataSource": source},
        "ContentType": request.content_type,
        "CompressionType": "Gzip" if transform.compression else "None",
        "SplitType": "Line" if transform.by_line else "None",
    }


def _output(request: TransformRequest, transform: Transform) -> dict[str, Any]:
    return _given(
        {
            "S3OutputPath": request.output,
            "Accept": request.accept,
            "AssembleWith": "Line" if transform.by_line else "None",
            "KmsKeyId": transform.output_kms_key,
        }
    )


def _processing(transform: Transform) -> dict[str, Any]:
    return _given(
        {
            "InputFilter": transform.input_filter,
            "OutputFilter": transform.output_filter,
            "JoinSource": "Input" if transform.join_source else None,
        }
    )


def _capture(transform: Transform) -> dict[str, Any]:
    capture = transform.data_capture
    if capture is None:
        return {}
    return _given(
        {
            "DestinationS3Uri": capture.destination,
            "KmsKeyId": capture.kms_key,
            "GenerateInferenceId": capture.generate_inference_id or None,
        }
    )


def _experiment(transform: Transform) -> dict[str, Any]:
    experiment = transform.experiment
    if experiment is None:
        return {}
    return _given(
        {
            "ExperimentName": experiment.name,
            "TrialName": experiment.trial,
            "TrialComponentDisplayName": experiment.trial_component,
            "RunName": experiment.run,
        }
    )
