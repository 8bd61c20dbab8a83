"""The answers of the Describe and List operations. Pure."""

from typing import Any

from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model, Variant, arn

_NOT_DESCRIBED = ("Tags",)


def model_document(model: Model, region: str) -> dict[str, Any]:
    return {
        **_echo(model.request),
        "ModelArn": arn(region, "model", model.name),
        "CreationTime": model.created,
        "EnableNetworkIsolation": False,
    }


def config_document(config: EndpointConfig, region: str) -> dict[str, Any]:
    return {
        **_echo(config.request),
        "EndpointConfigArn": arn(region, "endpoint-config", config.name),
        "CreationTime": config.created,
    }


def endpoint_document(endpoint: Endpoint, region: str) -> dict[str, Any]:
    document = {
        **endpoint_summary(endpoint, region),
        "EndpointConfigName": endpoint.config.name,
    }
    if endpoint.failure_reason:
        document["FailureReason"] = endpoint.failure_reason
    if asynchronous := endpoint.config.request.get("AsyncInferenceConfig"):
        document["AsyncInferenceConfig"] = asynchronous
    if endpoint.serves:
        variants = endpoint.config.variants
        document["ProductionVariants"] = [_variant_summary(endpoint, item) for item in variants]
    return document


def _variant_summary(endpoint: Endpoint, variant: Variant) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        **_deployed_images(endpoint.models.get(variant.name), endpoint.created),
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        **_capacity(variant),
    }


def _capacity(variant: Variant) -> dict[str, Any]:
    if serverless := variant.document.get("ServerlessConfig"):
        return {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    count = variant.instance_count
    return {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _deployed_images(model: Model | None, resolved: float) -> dict[str, Any]:
    if model is None:
        return {}
    images = [container.document["Image"] for container in model.containers]
    deployed = [
        {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": resolved}
        for image in images
    ]
    return {"DeployedImages": deployed}


def model_summary(model: Model, region: str) -> dict[str, Any]:
    return {
        "ModelName": model.name,
        "ModelArn": arn(region, "model", model.name),
        "CreationTime": model.created,
    }


def config_summary(config: EndpointConfig, region: str) -> dict[str, Any]:
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": arn(region, "endpoint-config", config.name),
        "CreationTime": config.created,
    }


def endpoint_summary(endpoint: Endpoint, region: str) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": arn(region, "endpoint", endpoint.name),
        "EndpointStatus": endpoint.status,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }


def _echo(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name not in _NOT_DESCRIBED}
