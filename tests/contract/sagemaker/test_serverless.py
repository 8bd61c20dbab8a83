"""Serverless endpoints: what they are refused, their concurrency, their cold starts."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import BUCKET, Lab, eventually, unique, variant_of
from tests.contract.sagemaker.refusals import refusal

MIB = 1024 * 1024


def serverless_config(lab: Lab, model: str, **settings: int) -> str:
    name = unique("config")
    lab.server.control.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[serverless_variant(model, **settings)]
    )
    return name


def serverless_variant(model: str, **settings: int) -> dict[str, Any]:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 2, **settings}
    return {"VariantName": "AllTraffic", "ModelName": model, "ServerlessConfig": serverless}


def serverless_endpoint(
    lab: Lab, environment: dict[str, str] | None = None, **settings: int
) -> str:
    name = lab.endpoint(serverless_config(lab, lab.model(environment), **settings))
    lab.server.until_status(name, "InService")
    return name


def invoke(lab: Lab, endpoint: str, body: bytes) -> bytes:
    response = lab.server.runtime.invoke_endpoint(EndpointName=endpoint, Body=body)
    answer: bytes = response["Body"].read()
    return answer


def instances(lab: Lab, endpoint: str) -> list[Any]:
    return list(lab.server.stats(endpoint)["instances"])


def test_a_serverless_endpoint_answers_and_describes_its_configuration(lab: Lab):
    endpoint = serverless_endpoint(lab)

    assert invoke(lab, endpoint, b"a") == b"echo:a\n"
    (variant,) = lab.server.control.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    assert "CurrentInstanceCount" not in variant


@pytest.mark.local
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"MemorySizeInMB": 1500}, "MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120"),
        ({"MemorySizeInMB": 7168}, "Member must have value less than or equal to 6144"),
        ({"MaxConcurrency": 201}, "Member must have value less than or equal to 200"),
        ({"ProvisionedConcurrency": 3}, "ProvisionedConcurrency must not exceed MaxConcurrency"),
    ],
)
def test_sizes_that_do_not_exist_are_refused(lab: Lab, settings: dict[str, int], message: str):
    with pytest.raises(ClientError, match=message):
        serverless_config(lab, lab.model(), **settings)


CAPTURE = {
    "InitialSamplingPercentage": 10,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
ASYNC = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}}


@pytest.mark.local
@pytest.mark.parametrize(
    ("variant", "further", "message"),
    [
        ({"InitialInstanceCount": 1}, {}, "InitialInstanceCount can't be set together with"),
        ({"InstanceType": "ml.m5.large"}, {}, "InstanceType can't be set together with"),
        ({"AcceleratorType": "ml.eia2.medium"}, {}, "Elastic Inference"),
        ({}, {"AsyncInferenceConfig": ASYNC}, "can't have an AsyncInferenceConfig"),
        ({}, {"DataCaptureConfig": CAPTURE}, "can't have a DataCaptureConfig"),
    ],
)
def test_what_serverless_endpoints_exclude_is_refused(
    lab: Lab, variant: dict[str, Any], further: dict[str, Any], message: str
):
    error = refusal(
        lab.server.control.create_endpoint_config,
        EndpointConfigName="c",
        ProductionVariants=[{**serverless_variant(lab.model()), **variant}],
        **further,
    )

    assert error["Error"]["Code"] == "ValidationException"
    assert message in error["Error"]["Message"]


@pytest.mark.local
def test_a_serverless_variant_stands_alone(lab: Lab):
    model = lab.model()
    variants = [serverless_variant(model), variant_of(model, VariantName="B")]

    error = refusal(
        lab.server.control.create_endpoint_config,
        EndpointConfigName="c",
        ProductionVariants=variants,
    )

    assert "can't have several ProductionVariants" in error["Error"]["Message"]


def test_four_megabytes_are_the_largest_payload(lab: Lab):
    endpoint = serverless_endpoint(lab)
    assert invoke(lab, endpoint, b"typeless ".ljust(4 * MIB))

    error = refusal(
        lab.server.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"x" * (4 * MIB + 1)
    )
    assert error["Error"]["Code"] == "ValidationError"
    assert "less than or equal to 4194304" in error["Error"]["Message"]

    error = refusal(
        lab.server.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"large 4194305"
    )
    assert error["Error"]["Code"] == "ModelError"


def test_requests_beyond_the_maximum_concurrency_are_throttled(lab: Lab):
    endpoint = serverless_endpoint(lab, MaxConcurrency=2)
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(invoke, lab, endpoint, b"sleep 1") for _ in range(2)]
        eventually(lambda: lab.server.stats(endpoint)["accepted"] == 2)

        error = refusal(lab.server.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"a")

        assert error["Error"]["Code"] == "ThrottlingException"
        assert error["Error"].get("Message") is None
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert [done.result() for done in running] == [b"slept", b"slept"]
    assert lab.server.stats(endpoint)["throttled"] == 1
    assert invoke(lab, endpoint, b"a") == b"echo:a\n"


def test_each_concurrent_request_has_an_instance_of_its_own(lab: Lab):
    endpoint = serverless_endpoint(lab, MaxConcurrency=2)
    with ThreadPoolExecutor() as threads:
        pids = list(threads.map(lambda _: invoke(lab, endpoint, b"pid 0.5"), range(2)))

    assert len(set(pids)) == 2
    assert lab.server.stats(endpoint)["cold_starts"] == 1


def test_an_endpoint_that_nobody_uses_goes_down_to_no_instance(lab: Lab):
    endpoint = serverless_endpoint(lab)
    assert len(instances(lab, endpoint)) == 1

    lab.server.local("PUT", "limits", {"serverless_idle_seconds": 0.1})
    eventually(lambda: instances(lab, endpoint) == [])
    lab.server.local("DELETE", "limits")

    assert invoke(lab, endpoint, b"a") == b"echo:a\n"
    assert lab.server.stats(endpoint)["cold_starts"] == 1


def test_provisioned_concurrency_stays_warm(lab: Lab):
    endpoint = serverless_endpoint(lab, MaxConcurrency=3, ProvisionedConcurrency=1)
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: invoke(lab, endpoint, b"sleep 0.5"), range(3)))

    lab.server.local("PUT", "limits", {"serverless_idle_seconds": 0.1})
    eventually(lambda: len(instances(lab, endpoint)) == 1)
    assert invoke(lab, endpoint, b"a") == b"echo:a\n"


def test_a_cold_start_that_takes_too_long_says_so_and_goes_on(lab: Lab):
    endpoint = serverless_endpoint(lab, {"START_SECONDS": "1.5"})
    lab.server.local("PUT", "limits", {"serverless_idle_seconds": 0.1})
    eventually(lambda: instances(lab, endpoint) == [])
    lab.server.local("PUT", "limits", {"serverless_idle_seconds": 60, "invocation_seconds": 0.5})

    error = refusal(lab.server.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"a")

    assert error["Error"]["Code"] == "ModelNotReadyException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 429
    eventually(lambda: any(item["ready"] for item in instances(lab, endpoint)))
    assert invoke(lab, endpoint, b"a") == b"echo:a\n"
    assert len(instances(lab, endpoint)) == 1


def test_a_model_that_does_not_start_within_three_minutes_fails_the_endpoint(lab: Lab):
    endpoint = lab.endpoint(serverless_config(lab, lab.model({"START": "never"})))

    lab.server.local("POST", "clock", {"advance_seconds": 181})

    lab.server.until_status(endpoint, "Failed")


def test_an_endpoint_with_instances_can_not_become_serverless_but_the_reverse(lab: Lab):
    update = lab.server.control.update_endpoint
    with_instances, model = lab.real_time_endpoint(), lab.model()
    serverless = serverless_config(lab, model)

    error = refusal(update, EndpointName=with_instances, EndpointConfigName=serverless)
    assert error["Error"]["Code"] == "ValidationException"
    assert "can't become serverless" in error["Error"]["Message"]

    endpoint = serverless_endpoint(lab)
    update(EndpointName=endpoint, EndpointConfigName=lab.config(model))
    lab.server.until_status(endpoint, "InService")
    assert invoke(lab, endpoint, b"a") == b"echo:a\n"


def test_quotas_of_serverless_endpoints_are_kept(lab: Lab):
    config = serverless_config(lab, lab.model(), MaxConcurrency=200)

    lab.server.local("PUT", "limits", {"serverless_total_concurrency": 10})
    error = refusal(lab.server.control.create_endpoint, EndpointName="e", EndpointConfigName=config)
    assert error["Error"]["Code"] == "ResourceLimitExceeded"
    assert "a request delta of 200 Invocations" in error["Error"]["Message"]

    lab.server.local("PUT", "limits", {"serverless_endpoints": 0})
    error = refusal(lab.server.control.create_endpoint, EndpointName="e", EndpointConfigName=config)
    assert "is 0 Endpoints" in error["Error"]["Message"]
