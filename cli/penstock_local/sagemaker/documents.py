"""The answers of the Describe and List operations. Pure."""

from typing import Any

from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model, arn

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
        document["ProductionVariants"] = [_variant_summary(endpoint)]
    return document


def _variant_summary(endpoint: Endpoint) -> dict[str, Any]:
    variant, image = endpoint.config.variant, endpoint.model.container["Image"]
    weight = variant.get("InitialVariantWeight", 1.0)
    return {
        "VariantName": variant["VariantName"],
        "DeployedImages": [
            {
                "SpecifiedImage": image,
                "ResolvedImage": image,
                "ResolutionTime": endpoint.created,
            }
        ],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": variant["InitialInstanceCount"],
        "DesiredInstanceCount": variant["InitialInstanceCount"],
    }


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
