"""Models, endpoint configurations and endpoints as values. Pure.

The resources keep the request they were created from: Describe answers with it.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from penstock_local.sagemaker.errors import ACCOUNT

# "Must pass within 8 minutes of start" unless the variant raises it.
STARTUP_TIMEOUT_SECONDS = 480
# The service "chooses an optimal value" where none is given; one machine needs a definite one.
DEFAULT_CONCURRENT_INVOCATIONS = 4


@dataclass(frozen=True)
class Container:
    """One container of a model; `name` is what the service calls it in its messages."""

    name: str
    document: dict[str, Any]

    @property
    def image_folder(self) -> Path:
        return file_path(self.document["Image"])

    @property
    def data_url(self) -> str | None:
        return self.document.get("ModelDataUrl")

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.document.get("Environment", {}))

    @property
    def multi_model(self) -> bool:
        return self.document.get("Mode") == "MultiModel"

    @property
    def caches_models(self) -> bool:
        settings = self.document.get("MultiModelConfig") or {}
        return bool(settings.get("ModelCacheSetting", "Enabled") == "Enabled")


@dataclass(frozen=True)
class Model:
    name: str
    request: dict[str, Any]
    created: float

    @property
    def containers(self) -> list[Container]:
        found = container_documents(self.request)
        if len(found) == 1:
            return [Container(found[0].get("ContainerHostname", "primary"), found[0])]
        return [
            Container(document.get("ContainerHostname", f"container_{number}"), document)
            for number, document in enumerate(found, start=1)
        ]

    @property
    def direct(self) -> bool:
        """Whether each invocation names its container; else it goes through all of them."""
        execution = self.request.get("InferenceExecutionConfig") or {}
        return bool(execution.get("Mode") == "Direct")

    @property
    def multi_model(self) -> bool:
        return any(container.multi_model for container in self.containers)


@dataclass(frozen=True)
class AsyncSettings:
    output_path: str
    failure_path: str | None
    kms_key_id: str | None
    success_topic: str | None
    error_topic: str | None
    include_response_in: frozenset[str]
    max_concurrent: int


def container_documents(request: dict[str, Any]) -> list[dict[str, Any]]:
    primary = request.get("PrimaryContainer")
    return [*([primary] if primary else []), *request.get("Containers", [])]


@dataclass(frozen=True)
class ServerlessSettings:
    max_concurrency: int
    provisioned: int


@dataclass(frozen=True)
class Variant:
    document: dict[str, Any]

    @property
    def name(self) -> str:
        name: str = self.document["VariantName"]
        return name

    @property
    def model_name(self) -> str | None:
        """None: the variant is there for inference components."""
        return self.document.get("ModelName")

    @property
    def weight(self) -> float:
        weight: float = self.document.get("InitialVariantWeight", 1.0)
        return weight

    @property
    def instance_count(self) -> int:
        count: int = self.document["InitialInstanceCount"]
        return count

    @property
    def serverless(self) -> ServerlessSettings | None:
        given = self.document.get("ServerlessConfig")
        if not given:
            return None
        return ServerlessSettings(given["MaxConcurrency"], given.get("ProvisionedConcurrency", 0))

    @property
    def startup_timeout(self) -> int:
        timeout: int = self.document.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_SECONDS
        )
        return timeout


@dataclass(frozen=True)
class EndpointConfig:
    name: str
    request: dict[str, Any]
    created: float

    @property
    def variants(self) -> list[Variant]:
        return [Variant(document) for document in self.request["ProductionVariants"]]

    @property
    def takes_components(self) -> bool:
        return self.variants[0].model_name is None

    @property
    def serverless(self) -> ServerlessSettings | None:
        return self.variants[0].serverless

    @property
    def asynchronous(self) -> AsyncSettings | None:
        given = self.request.get("AsyncInferenceConfig")
        return _async_settings(given) if given else None


def _async_settings(given: dict[str, Any]) -> AsyncSettings:
    output = given["OutputConfig"]
    topics = output.get("NotificationConfig") or {}
    client = given.get("ClientConfig") or {}
    return AsyncSettings(
        output_path=output["S3OutputPath"],
        failure_path=output.get("S3FailurePath"),
        kms_key_id=output.get("KmsKeyId"),
        success_topic=topics.get("SuccessTopic"),
        error_topic=topics.get("ErrorTopic"),
        include_response_in=frozenset(topics.get("IncludeInferenceResponseIn") or ()),
        max_concurrent=client.get(
            "MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENT_INVOCATIONS
        ),
    )


@dataclass(frozen=True)
class Endpoint:
    """Holds what it runs, the models by variant: it may be deleted while the endpoint serves."""

    name: str
    config: EndpointConfig
    models: dict[str, Model]
    status: str
    created: float
    modified: float
    failure_reason: str | None = None

    @property
    def serves(self) -> bool:
        return self.status in ("InService", "Updating")

    def moved_to(self, status: str, now: float, reason: str | None = None) -> "Endpoint":
        return replace(self, status=status, modified=now, failure_reason=reason)

    def running(self, config: EndpointConfig, models: dict[str, Model]) -> "Endpoint":
        return replace(self, config=config, models=models)


def arn(region: str, kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{kind}/{name.lower()}"


def file_path(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))
