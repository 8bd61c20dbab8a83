"""Which of its parts an invocation is for: model, container, variant, component. Pure."""

import uuid
from typing import Any

from penstock_local.sagemaker.errors import ApiError, validation_error
from penstock_local.sagemaker.resources import Endpoint, Model


def check_targets(endpoint: Endpoint, model: Model, parameters: dict[str, Any]) -> None:
    """Raises ApiError where a target is missing, unknown or out of place."""
    _check_target_model(endpoint, model, parameters.get("TargetModel"))
    _check_target_container(endpoint, model, parameters.get("TargetContainerHostname"))


def check_component(endpoint: Endpoint, parameters: dict[str, Any]) -> None:
    """Raises ApiError. The words are the service's, its grammar included."""
    name = parameters.get("InferenceComponentName")
    if endpoint.config.takes_components and not name:
        raise _coded(
            "INFERENCE_COMPONENT_NAME_MISSING",
            "Inference Component Name header is required for endpoints to which you plan to deploy "
            "inference components. Please include Inference Component Name header or consider "
            "using SageMaker models.",
        )
    if name and not endpoint.config.takes_components:
        raise validation_error(
            "Inference Component Name header is not allowed for endpoints to which you dont plan "
            "to deploy inference components. Please remove the Inference Component Name header and "
            "try again."
        )
    if name and parameters.get("TargetVariant"):
        raise validation_error(
            "TargetVariant together with InferenceComponentName is not supported by the local "
            "SageMaker yet."
        )


def _check_target_model(endpoint: Endpoint, model: Model, target_model: str | None) -> None:
    # <https://github.com/aws/amazon-sagemaker-examples/issues/1216>
    if target_model and not model.multi_model:
        raise _coded(
            "TARGET_MODEL_HEADER_NOT_SUPPORTED",
            f"Endpoint {endpoint.name} is not a multi-model endpoint and does not support target "
            "model header.",
        )
    # <https://github.com/aws/sagemaker-tensorflow-serving-container/issues/166>
    if model.multi_model and not target_model:
        raise validation_error(f"Request {uuid.uuid4()} is missing a target model header.")


def _check_target_container(endpoint: Endpoint, model: Model, hostname: str | None) -> None:
    """When: guide, `multi-container-direct`. The texts are ours, the service's not documented."""
    if hostname and not model.direct:
        raise validation_error(
            f"Endpoint {endpoint.name} is not configured for direct invocation and does not "
            "support target container hostname header."
        )
    if model.direct and not hostname:
        raise validation_error(
            f"Endpoint {endpoint.name} is configured for direct invocation. Specify a target "
            "container hostname header."
        )
    if hostname and hostname not in [container.name for container in model.containers]:
        raise validation_error(
            f"Container hostname {hostname} does not exist in endpoint {endpoint.name}."
        )


def _coded(code: str, message: str) -> ApiError:
    """Some refusals carry a code of their own beside the message."""
    return ApiError("ValidationError", message, members={"ErrorCode": code})
