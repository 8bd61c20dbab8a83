"""What can't be had together, and what an endpoint can't become. Pure."""

from typing import Any

from penstock_local.sagemaker.errors import not_supported, quota_exceeded, validation_exception
from penstock_local.sagemaker.limits import Limits
from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model

# "The memory sizes you can choose are …": guide, `serverless-endpoints`.
_MEMORY_SIZES = range(1024, 6144 + 1, 1024)
_LEAST_SEVERAL = 2
_NOT_SERVERLESS = (
    "InitialInstanceCount",
    "InstanceType",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
)


def check_containers(documents: list[dict[str, Any]], *, direct: bool) -> None:
    """Of one model. Guide: `multi-container-create`, `multi-model-endpoints`. Raises ApiError."""
    hostnames = [name for item in documents if (name := item.get("ContainerHostname"))]
    if len(set(hostnames)) < len(hostnames):
        raise validation_exception("Each ContainerHostname must be unique within the model.")
    if direct and len(documents) < _LEAST_SEVERAL:
        raise validation_exception("InferenceExecutionConfig Direct needs more than one container.")
    if direct and len(hostnames) < len(documents):
        raise validation_exception(
            "ContainerHostname is required for each container with InferenceExecutionConfig Direct."
        )
    multi_model = sum(item.get("Mode") == "MultiModel" for item in documents)
    if multi_model > 1:
        raise validation_exception("Only one container of a pipeline can have Mode MultiModel.")
    if multi_model and direct:
        raise not_supported("A container with Mode MultiModel and InferenceExecutionConfig Direct")


def check_variants(request: dict[str, Any]) -> None:
    """Of one configuration. Raises ApiError."""
    variants = request["ProductionVariants"]
    names = {variant["VariantName"] for variant in variants}
    if len(names) < len(variants):
        raise validation_exception("Each VariantName must be unique within the configuration.")
    if not any(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        raise validation_exception("At least one InitialVariantWeight must be greater than 0.")
    with_model = [bool(variant.get("ModelName")) for variant in variants]
    if any(with_model) and not all(with_model):
        raise validation_exception(
            "Either all variants have a ModelName, or none, for inference components."
        )
    if request.get("AsyncInferenceConfig") and not all(with_model):
        # InvokeEndpointAsync has no parameter to name a component with.
        raise validation_exception("An asynchronous endpoint can't have inference components.")
    if request.get("AsyncInferenceConfig") and len(variants) > 1:
        # Whether the service has it is not documented, nor how it would keep to the weights.
        raise not_supported("AsyncInferenceConfig with several ProductionVariants")


def refuse_serverless(variant: dict[str, Any], request: dict[str, Any]) -> None:
    """`request` is that of the whole configuration. Raises ApiError."""
    serverless = variant["ServerlessConfig"]
    if serverless["MemorySizeInMB"] not in _MEMORY_SIZES:
        sizes = ", ".join(map(str, _MEMORY_SIZES))
        raise validation_exception(f"MemorySizeInMB must be one of {sizes}.")
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise validation_exception("ProvisionedConcurrency must not exceed MaxConcurrency.")
    for name in _NOT_SERVERLESS:
        if variant.get(name):
            raise validation_exception(f"{name} can't be set together with ServerlessConfig.")
    if len(request["ProductionVariants"]) > 1:
        raise validation_exception("A serverless endpoint can't have several ProductionVariants.")
    if request.get("AsyncInferenceConfig"):
        raise validation_exception("A serverless endpoint can't have an AsyncInferenceConfig.")
    if request.get("DataCaptureConfig"):
        raise validation_exception("A serverless endpoint can't have a DataCaptureConfig.")


def refuse_models(config: EndpointConfig, models: list[Model]) -> None:
    """What such a configuration can't serve. Raises ApiError."""
    for model in models:
        if config.serverless and (model.multi_model or len(model.containers) > 1):
            raise validation_exception(
                "A serverless endpoint can't be a multi-model or multi-container endpoint."
            )
        if config.asynchronous and (model.multi_model or model.direct):
            # Nothing says that the service refuses them; but nobody could invoke such an endpoint.
            raise validation_exception(
                "An asynchronous endpoint can't serve several models or containers of which each "
                "request names one: InvokeEndpointAsync has neither TargetModel nor "
                "TargetContainerHostname."
            )


def check_serverless_quotas(wanted: Endpoint, existing: list[Endpoint], limits: Limits) -> None:
    """`existing` may hold an earlier state of the same endpoint. Raises ApiError."""
    settings = wanted.config.serverless
    if settings is None:
        return
    others = [
        found
        for endpoint in existing
        if endpoint.name != wanted.name and (found := endpoint.config.serverless)
    ]
    if len(others) + 1 > limits.serverless_endpoints:
        quota = "Maximum number of serverless endpoints/Endpoints"
        raise quota_exceeded(quota, limits.serverless_endpoints, len(others), 1)
    used, total = sum(item.max_concurrency for item in others), limits.serverless_total_concurrency
    if used + settings.max_concurrency > total:
        quota = "Maximum total concurrency that can be allocated across all serverless endpoints"
        raise quota_exceeded(f"{quota}/Invocations", total, used, settings.max_concurrency)


def check_conversion(current: Endpoint, config: EndpointConfig) -> None:
    """Whether the endpoint may become what the configuration says. Raises ApiError."""
    _check_still_async(current, config)
    if config.takes_components != current.config.takes_components:
        raise validation_exception(
            f"Endpoint {current.name} can't change between models and inference components."
        )
    if config.serverless and not current.config.serverless:
        raise validation_exception(
            f"Endpoint {current.name} can't become serverless: an endpoint with instances can't be "
            "converted. Create a new endpoint."
        )


def _check_still_async(current: Endpoint, config: EndpointConfig) -> None:
    if current.config.asynchronous and not config.asynchronous:
        raise validation_exception(
            "The AsyncInferenceConfig parameter cannot be removed from this endpoint "
            f"{current.name}."
        )
    if config.asynchronous and not current.config.asynchronous:
        raise validation_exception(
            f"The AsyncInferenceConfig parameter cannot be added to this endpoint {current.name}."
        )
