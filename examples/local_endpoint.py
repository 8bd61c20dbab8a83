"""An endpoint on the local SageMaker, as one would create it on the real one."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

_ROLE = "arn:aws:iam::000000000000:role/endpoint"
_STARTUP_SECONDS = 60


@dataclass(frozen=True)
class Endpoint:
    """`image` is a folder with an executable `serve`; `environment` is that of its container.

    One that is not asynchronous answers in real time, and has no use for `concurrency`.
    """

    name: str
    image: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    instances: int = 1
    concurrency: int = 4
    asynchronous: bool = True


def create_endpoint(stack: Mapping[str, str], endpoint: Endpoint) -> None:
    """Creates model, configuration and endpoint, and waits until it is in service.

    Args:
        stack: the contents of .penstock/local.json.

    Raises:
        RuntimeError: the model server doesn't start; the message has SageMaker's reason.
    """
    sagemaker = client(stack, "sagemaker")
    sagemaker.create_model(
        ModelName=endpoint.name,
        ExecutionRoleArn=_ROLE,
        PrimaryContainer={
            "Image": image_url(endpoint.image),
            "Environment": dict(endpoint.environment),
        },
    )
    wiring = {"AsyncInferenceConfig": async_config(stack, endpoint.concurrency)}
    sagemaker.create_endpoint_config(
        EndpointConfigName=endpoint.name,
        ProductionVariants=[
            {
                "VariantName": "main",
                "ModelName": endpoint.name,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": endpoint.instances,
            }
        ],
        **(wiring if endpoint.asynchronous else {}),
    )
    sagemaker.create_endpoint(EndpointName=endpoint.name, EndpointConfigName=endpoint.name)
    wait_until_in_service(sagemaker, endpoint.name)


def delete_endpoint(stack: Mapping[str, str], name: str) -> None:
    """Deletes what `create_endpoint` made; its model servers end."""
    sagemaker = client(stack, "sagemaker")
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)


def client(stack: Mapping[str, str], service: str) -> Any:
    """A boto3 client of the local stack."""
    is_sagemaker = service.startswith("sagemaker")
    session = boto3.Session(
        aws_access_key_id=stack["aws_access_key_id"],
        aws_secret_access_key=stack["aws_secret_access_key"],
        region_name=stack["region"],
    )
    url = stack["sagemaker_endpoint_url" if is_sagemaker else "aws_endpoint_url"]
    return session.client(service, endpoint_url=url)  # type: ignore[call-overload]


def async_config(stack: Mapping[str, str], concurrency: int = 4) -> dict[str, Any]:
    """What wires an asynchronous endpoint to the stack."""
    work = f"s3://{stack['work_bucket']}/async"
    return {
        "OutputConfig": {
            "S3OutputPath": f"{work}/output",
            "S3FailurePath": f"{work}/failure",
            "NotificationConfig": {
                "SuccessTopic": stack["inference_success_topic_arn"],
                "ErrorTopic": stack["inference_error_topic_arn"],
            },
        },
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": concurrency},
    }


def image_url(folder: Path) -> str:
    """The local SageMaker's name for an image in a folder."""
    return f"file://{folder.resolve()}"


def wait_until_in_service(sagemaker: Any, name: str) -> None:
    """Raises RuntimeError: it doesn't become so; the message has SageMaker's reason."""
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline:
        found = sagemaker.describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] == "InService":
            return
        if found["EndpointStatus"] == "Failed":
            raise RuntimeError(found.get("FailureReason", "the endpoint failed"))
        time.sleep(0.2)
    raise RuntimeError(f"endpoint {name} is not in service after {_STARTUP_SECONDS} s")
