"""Endpoints: what SageMaker says of a name, as one word."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from penstock.adapters.endpoints import MEMORY, SageMakerEndpoints
from penstock.domain.errors import PermanentError, RetryableError
from penstock.testing import FakeClock

ARN = "arn:aws:sagemaker:eu-west-1:000000000000:endpoint/churn"
VARIANT = {"VariantName": "main", "ModelName": "m"}
CONFIGS: dict[str, dict[str, Any]] = {
    "asynchronous": {
        "ProductionVariants": [VARIANT],
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://work/async/output"}},
    },
    "serverless": {
        "ProductionVariants": [
            VARIANT | {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
        ]
    },
    "instances": {"ProductionVariants": [VARIANT]},
}


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker", region_name="eu-west-1")


def describing(stub: Stubber, config: dict[str, Any]) -> None:
    found = {
        "EndpointName": "churn",
        "EndpointArn": ARN,
        "EndpointConfigName": "churn-3",
        "EndpointStatus": "InService",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    stub.add_response("describe_endpoint", found, {"EndpointName": "churn"})
    named = {"EndpointConfigName": "churn-3", "EndpointConfigArn": ARN, "CreationTime": 0}
    expected = {"EndpointConfigName": "churn-3"}
    stub.add_response("describe_endpoint_config", named | config, expected)


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_configuration_tells_the_kind_and_is_asked_for_once_a_minute(
    sagemaker: Any, kind: str
) -> None:
    clock = FakeClock()
    endpoints = SageMakerEndpoints(sagemaker, clock)
    with Stubber(sagemaker) as stub:
        describing(stub, CONFIGS[kind])
        assert endpoints.kind_of("churn") == endpoints.kind_of("churn") == kind
        stub.assert_no_pending_responses()

        clock.advance(MEMORY)
        describing(stub, CONFIGS["instances"])
        assert endpoints.kind_of("churn") == "instances"


def failing(sagemaker: Any, code: str) -> SageMakerEndpoints:
    stub = Stubber(sagemaker)
    stub.add_client_error("describe_endpoint", code, "said so")
    stub.activate()
    return SageMakerEndpoints(sagemaker, FakeClock())


@pytest.mark.parametrize(
    ("code", "family", "ours"),
    [
        ("ValidationException", PermanentError, "NoSuchEndpoint"),
        ("AccessDeniedException", PermanentError, "AccessDenied"),
        ("ThrottlingException", RetryableError, "ThrottlingException"),
    ],
)
def test_an_error_is_one_of_ours(
    sagemaker: Any, code: str, family: type[PermanentError | RetryableError], ours: str
) -> None:
    endpoints = failing(sagemaker, code)

    with pytest.raises(family, match=f"{ours}: .*endpoint churn"):
        endpoints.kind_of("churn")
