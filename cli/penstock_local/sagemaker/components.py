"""Inference components as values. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from penstock_local.sagemaker.errors import not_supported, validation_exception
from penstock_local.sagemaker.resources import (
    STARTUP_TIMEOUT_SECONDS,
    Endpoint,
    Model,
    arn,
)


@dataclass(frozen=True)
class Component:
    """Holds the model that it runs: it may be deleted while the component serves."""

    name: str
    request: dict[str, Any]
    model: Model
    status: str
    created: float
    modified: float
    failure_reason: str | None = None

    @property
    def endpoint_name(self) -> str:
        name: str = self.request["EndpointName"]
        return name

    @property
    def variant_name(self) -> str:
        name: str = self.request["VariantName"]
        return name

    @property
    def copies(self) -> int:
        count: int = self.request["RuntimeConfig"]["CopyCount"]
        return count

    @property
    def startup_timeout(self) -> int:
        startup = self.request["Specification"].get("StartupParameters") or {}
        timeout: int = startup.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_SECONDS
        )
        return timeout

    def moved_to(self, status: str, now: float, reason: str | None = None) -> "Component":
        return replace(self, status=status, modified=now, failure_reason=reason)


def container_request(specification: dict[str, Any]) -> dict[str, Any] | None:
    """The request of the model that the specification's own container amounts to, if it has one."""
    container = specification.get("Container")
    if not container:
        return None
    members = {
        "Image": container.get("Image", ""),
        "ModelDataUrl": container.get("ArtifactUrl"),
        "Environment": container.get("Environment"),
    }
    return {"PrimaryContainer": {name: value for name, value in members.items() if value}}


def check_request(request: dict[str, Any]) -> None:
    """Raises ApiError."""
    for name in ("VariantName", "Specification", "RuntimeConfig"):
        if not request.get(name):
            raise validation_exception(f"{name} is required for an inference component.")
    specification = request["Specification"]
    if bool(specification.get("ModelName")) == bool(specification.get("Container")):
        raise validation_exception("Specification needs exactly one of ModelName and Container.")


def check_place(endpoint: Endpoint, variant_name: str) -> None:
    """Whether the endpoint takes components there. Raises ApiError."""
    if not endpoint.config.takes_components:
        raise validation_exception(
            f"Endpoint {endpoint.name} serves models: an endpoint takes inference components only "
            "if its configuration names no model."
        )
    if variant_name not in [variant.name for variant in endpoint.config.variants]:
        raise validation_exception(
            f"Variant {variant_name} does not exist in endpoint {endpoint.name}."
        )
    if endpoint.status != "InService":
        raise validation_exception(f"Endpoint {endpoint.name} is not in service.")


def check_model(model: Model) -> None:
    """Raises ApiError: what else a component can hold is not documented."""
    if model.multi_model or len(model.containers) > 1:
        raise not_supported("An inference component of several models or containers")


def component_document(component: Component, region: str) -> dict[str, Any]:
    running = component.copies if component.status == "InService" else 0
    document = {
        **component_summary(component, region),
        "Specification": _specification(component),
        "RuntimeConfig": {
            "DesiredCopyCount": component.copies,
            "CurrentCopyCount": running,
        },
    }
    if component.failure_reason:
        document["FailureReason"] = component.failure_reason
    return document


def component_summary(component: Component, region: str) -> dict[str, Any]:
    return {
        "InferenceComponentName": component.name,
        "InferenceComponentArn": arn(region, "inference-component", component.name),
        "EndpointName": component.endpoint_name,
        "EndpointArn": arn(region, "endpoint", component.endpoint_name),
        "VariantName": component.variant_name,
        "InferenceComponentStatus": component.status,
        "CreationTime": component.created,
        "LastModifiedTime": component.modified,
    }


def _specification(component: Component) -> dict[str, Any]:
    given = dict(component.request["Specification"])
    container = given.get("Container")
    if not container:
        return given
    image = container["Image"]
    deployed = {
        "SpecifiedImage": image,
        "ResolvedImage": image,
        "ResolutionTime": component.created,
    }
    others = {name: value for name, value in container.items() if name != "Image"}
    return {**given, "Container": {"DeployedImage": deployed, **others}}
