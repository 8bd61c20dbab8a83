"""What exists in SageMaker but not here is refused, never ignored. Pure.

The tables list the request members that this server honours, or that can have no effect on one
machine (instance types, weights of the only variant, volume sizes, roles).
"""

from typing import Any
from urllib.parse import urlsplit

from penstock_local.sagemaker.combinations import (
    check_containers,
    check_variants,
    refuse_serverless,
)
from penstock_local.sagemaker.errors import not_supported, validation_exception
from penstock_local.sagemaker.resources import container_documents

Supported = dict[str, Any]

_ALL = None

_CONTAINER: Supported = dict.fromkeys(
    (
        "Image",
        "ModelDataUrl",
        "Environment",
        "ContainerHostname",
        "Mode",
        "MultiModelConfig",
    ),
    _ALL,
)
_VARIANT: Supported = dict.fromkeys(
    (
        "VariantName",
        "ModelName",
        "InitialInstanceCount",
        "InstanceType",
        "InitialVariantWeight",
        "VolumeSizeInGB",
        "ModelDataDownloadTimeoutInSeconds",
        "ContainerStartupHealthCheckTimeoutInSeconds",
        "ServerlessConfig",
    ),
    _ALL,
)
_SUPPORTED: dict[str, Supported] = {
    "CreateModel": {
        "ModelName": _ALL,
        "ExecutionRoleArn": _ALL,
        "Tags": _ALL,
        "PrimaryContainer": _CONTAINER,
        "Containers": _CONTAINER,
        "InferenceExecutionConfig": _ALL,
    },
    "CreateEndpointConfig": {
        "EndpointConfigName": _ALL,
        "ExecutionRoleArn": _ALL,
        "Tags": _ALL,
        "AsyncInferenceConfig": _ALL,
        "ProductionVariants": _VARIANT,
    },
    "CreateInferenceComponent": {
        "InferenceComponentName": _ALL,
        "EndpointName": _ALL,
        "VariantName": _ALL,
        "RuntimeConfig": _ALL,
        "Tags": _ALL,
        "Specification": {
            "ModelName": _ALL,
            "Container": dict.fromkeys(("Image", "ArtifactUrl", "Environment"), _ALL),
            "StartupParameters": _ALL,
            "ComputeResourceRequirements": _ALL,
        },
    },
    "CreateTransformJob": {
        "TransformJobName": _ALL,
        "ModelName": _ALL,
        "MaxConcurrentTransforms": _ALL,
        "ModelClientConfig": _ALL,
        "MaxPayloadInMB": _ALL,
        "BatchStrategy": _ALL,
        "Environment": _ALL,
        "TransformInput": _ALL,
        "TransformOutput": _ALL,
        "TransformResources": dict.fromkeys(("InstanceType", "InstanceCount"), _ALL),
        "DataProcessing": _ALL,
        "Tags": _ALL,
    },
    "CreateEndpoint": dict.fromkeys(("EndpointName", "EndpointConfigName", "Tags"), _ALL),
    "UpdateEndpoint": dict.fromkeys(("EndpointName", "EndpointConfigName"), _ALL),
}
_ENVIRONMENT_BYTES = 32 * 1024
ELASTIC_INFERENCE = (
    "AcceleratorType is not supported: Elastic Inference (EI) is no longer available. "
    "Remove AcceleratorType and choose an instance type with an accelerator."
)


def refuse_unsupported(operation: str, request: dict[str, Any]) -> None:
    """Raises ApiError for the first thing in the request that this server can't do."""
    if operation in ("CreateModel", "CreateEndpointConfig"):
        _refuse_special(request)
    if operation in _SUPPORTED:
        _refuse_members(request, _SUPPORTED[operation], "")
    if operation == "CreateModel":
        _refuse_model(request)
    if operation == "CreateEndpointConfig":
        _refuse_config(request)


def _refuse_members(value: Any, supported: Supported | None, path: str) -> None:
    if supported is _ALL:
        return
    if isinstance(value, list):
        for item in value:
            _refuse_members(item, supported, path)
        return
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if item in (None, False, [], {}):
            continue
        if name not in supported:
            raise not_supported(where)
        _refuse_members(item, supported[name], where)


def _refuse_special(request: dict[str, Any]) -> None:
    """What will never be there, or never together: it deserves a better answer than "yet"."""
    for variant in request.get("ProductionVariants", []):
        if variant.get("AcceleratorType"):
            raise validation_exception(ELASTIC_INFERENCE)
        if variant.get("ServerlessConfig"):
            refuse_serverless(variant, request)


def _refuse_model(request: dict[str, Any]) -> None:
    if request.get("PrimaryContainer") and request.get("Containers"):
        raise validation_exception("Cannot specify both PrimaryContainer and Containers.")
    found = container_documents(request)
    if not found:
        raise validation_exception("One of PrimaryContainer and Containers must be specified.")
    refuse_containers(request)


def refuse_containers(request: dict[str, Any]) -> None:
    """Raises ApiError for what no model server here can be started from."""
    found = container_documents(request)
    for container in found:
        _refuse_container(container)
    check_containers(found, direct=_is_direct(request))


def _is_direct(request: dict[str, Any]) -> bool:
    return bool((request.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct")


def _refuse_container(container: dict[str, Any]) -> None:
    _refuse_multi_model(container)
    if urlsplit(container.get("Image", "")).scheme != "file":
        raise validation_exception(
            "A container image is not supported by the local SageMaker yet. Image must be "
            "file:///<folder> with an executable `serve` in the folder."
        )
    if urlsplit(container.get("ModelDataUrl", "s3:")).scheme not in ("file", "s3"):
        raise not_supported("ModelDataUrl other than file:// or s3://")
    environment = container.get("Environment", {}).items()
    if sum(len(f"{key}{value}".encode()) for key, value in environment) > _ENVIRONMENT_BYTES:
        raise validation_exception("Environment must not exceed 32 KB in total.")


def _refuse_multi_model(container: dict[str, Any]) -> None:
    multi_model = container.get("Mode") == "MultiModel"
    if container.get("MultiModelConfig") and not multi_model:
        raise validation_exception("MultiModelConfig needs Mode MultiModel.")
    if multi_model and urlsplit(container.get("ModelDataUrl", "")).scheme != "s3":
        raise validation_exception(
            "Mode MultiModel needs ModelDataUrl, the s3:// prefix under which the models are."
        )


def _refuse_config(request: dict[str, Any]) -> None:
    for variant in request["ProductionVariants"]:
        _refuse_incomplete(variant)
    check_variants(request)
    asynchronous = request.get("AsyncInferenceConfig")
    if asynchronous and not asynchronous["OutputConfig"].get("S3OutputPath"):
        raise not_supported("AsyncInferenceConfig without OutputConfig.S3OutputPath")


def _refuse_incomplete(variant: dict[str, Any]) -> None:
    serverless = variant.get("ServerlessConfig")
    needed = ["ModelName"] if serverless else ["InitialInstanceCount", "InstanceType"]
    for name in needed:
        if not variant.get(name):
            raise validation_exception(f"{name} is required for a ProductionVariant.")
