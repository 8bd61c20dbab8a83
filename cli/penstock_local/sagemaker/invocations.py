"""One asynchronous invocation and where its results go. Pure."""

from dataclasses import dataclass
from typing import Any

from penstock_local.sagemaker.locations import join
from penstock_local.sagemaker.resources import AsyncSettings

DEFAULT_TTL_SECONDS = 21_600
DEFAULT_TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class AsyncInvocation:
    endpoint_name: str
    inference_id: str
    parameters: dict[str, Any]
    body: bytes | None
    received: float
    output_location: str
    failure_location: str | None

    @property
    def expires(self) -> float:
        ttl: int = self.parameters.get("RequestTTLSeconds", DEFAULT_TTL_SECONDS)
        return self.received + ttl

    @property
    def timeout(self) -> int:
        timeout: int = self.parameters.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT_SECONDS)
        return timeout

    @property
    def input_location(self) -> str | None:
        return self.parameters.get("InputLocation")


def output_location(settings: AsyncSettings, parameters: dict[str, Any], object_id: str) -> str:
    """`object_id` is not the inference id: in real notifications the two differ."""
    return join(
        settings.output_path,
        parameters.get("S3OutputPathExtension"),
        parameters.get("Filename", f"{object_id}.out"),
    )


def failure_location(settings: AsyncSettings, object_id: str) -> str | None:
    if settings.failure_path is None:
        return None
    return join(settings.failure_path, f"{object_id}-error.out")


def model_headers(parameters: dict[str, Any], inference_id: str | None) -> dict[str, str]:
    """All that a container gets to see of the request, beside the body."""
    given = {
        "Content-Type": parameters.get("ContentType"),
        "Accept": parameters.get("Accept"),
        "X-Amzn-SageMaker-Custom-Attributes": parameters.get("CustomAttributes"),
        "X-Amzn-SageMaker-Inference-Id": inference_id,
    }
    return {name: value for name, value in given.items() if value}
