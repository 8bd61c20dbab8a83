"""Inference components: models of their own on an endpoint that has none."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import (
    ACCOUNT,
    BUCKET,
    IMAGE,
    REGION,
    ROLE,
    Lab,
    Surroundings,
    eventually,
    image,
    running_server,
    unique,
)
from tests.contract.sagemaker.refusals import refusal

NEEDS = {"MinMemoryRequiredInMb": 128}


def empty_endpoint(lab: Lab, **further: Any) -> str:
    config = unique("config")
    variant = {"VariantName": "A", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    lab.server.control.create_endpoint_config(
        EndpointConfigName=config, ExecutionRoleArn=ROLE, ProductionVariants=[variant], **further
    )
    endpoint = lab.endpoint(config)
    lab.server.until_status(endpoint, "InService")
    return endpoint


def create(lab: Lab, endpoint: str, copies: int = 1, **members: Any) -> str:
    name = unique("component")
    request = {
        "InferenceComponentName": name,
        "EndpointName": endpoint,
        "VariantName": "A",
        "RuntimeConfig": {"CopyCount": copies},
        **members,
    }
    if "Specification" not in request:
        specification = {"ModelName": lab.model(), "ComputeResourceRequirements": NEEDS}
        request["Specification"] = specification
    lab.server.control.create_inference_component(
        **{key: value for key, value in request.items() if value is not None}
    )
    return name


def describe(lab: Lab, name: str) -> Any:
    return lab.server.control.describe_inference_component(InferenceComponentName=name)


def until_status(lab: Lab, name: str, status: str) -> None:
    eventually(lambda: describe(lab, name)["InferenceComponentStatus"] == status)


def component(lab: Lab, endpoint: str, **members: Any) -> str:
    name = create(lab, endpoint, **members)
    until_status(lab, name, "InService")
    return name


def invoke(lab: Lab, endpoint: str, name: str | None, body: bytes = b"a") -> Any:
    named = {"InferenceComponentName": name} if name else {}
    return lab.server.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **named)


def test_each_component_answers_for_itself(lab: Lab):
    endpoint = empty_endpoint(lab)
    one = component(lab, endpoint, Specification={"ModelName": lab.model({"NAME": "one"})})
    two = component(lab, endpoint, Specification={"ModelName": lab.model({"NAME": "two"})})

    for name, mark in ((one, b'"NAME": "one"'), (two, b'"NAME": "two"')):
        response = invoke(lab, endpoint, name, b"environment")
        assert mark in response["Body"].read()
        assert response["InvokedProductionVariant"] == "A"


@pytest.mark.local
def test_a_component_may_bring_a_container_of_its_own(lab: Lab, tmp_path: Path):
    (tmp_path / "weights").write_text("1 2 3")
    container = {
        "Image": IMAGE,
        "ArtifactUrl": tmp_path.as_uri(),
        "Environment": {"NAME": "own"},
    }
    endpoint = empty_endpoint(lab)
    name = component(lab, endpoint, Specification={"Container": container})

    environment = invoke(lab, endpoint, name, b"environment")["Body"].read()

    assert b'"NAME": "own"' in environment
    assert f'"SAGEMAKER_MODEL_DIR": "{tmp_path}"'.encode() in environment
    described = describe(lab, name)["Specification"]["Container"]
    assert described["DeployedImage"]["SpecifiedImage"] == IMAGE
    assert described["Environment"] == {"NAME": "own"}


def test_a_component_is_described_until_it_is_deleted(lab: Lab):
    endpoint = empty_endpoint(lab)
    name = component(lab, endpoint, copies=2)

    described = describe(lab, name)
    assert described["EndpointName"] == endpoint
    assert described["VariantName"] == "A"
    assert described["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
    assert described["InferenceComponentArn"] == (
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:inference-component/{name}"
    )
    assert len(lab.server.stats(endpoint)["instances"]) == 2

    lab.server.control.delete_inference_component(InferenceComponentName=name)
    eventually(lambda: name not in listed(lab, EndpointNameEquals=endpoint))
    error = refusal(describe, lab, name)
    assert error["Error"]["Code"] == "ValidationException"
    assert error["Error"]["Message"].startswith("Could not find inference component")


def listed(lab: Lab, **filters: Any) -> list[str]:
    found = lab.server.control.list_inference_components(MaxResults=100, **filters)
    return [item["InferenceComponentName"] for item in found["InferenceComponents"]]


def test_components_are_listed_by_endpoint_variant_and_status(lab: Lab):
    endpoint, other = empty_endpoint(lab), empty_endpoint(lab)
    name = component(lab, endpoint)

    assert listed(lab, EndpointNameEquals=endpoint) == [name]
    assert listed(lab, EndpointNameEquals=endpoint, StatusEquals="InService") == [name]
    assert listed(lab, EndpointNameEquals=endpoint, StatusEquals="Failed") == []
    assert listed(lab, EndpointNameEquals=endpoint, VariantNameEquals="B") == []
    assert listed(lab, EndpointNameEquals=other) == []


def test_an_endpoint_with_components_requires_the_name_of_one(lab: Lab):
    endpoint = empty_endpoint(lab)
    component(lab, endpoint)

    answer = lab.server.http("POST", f"/endpoints/{endpoint}/invocations", b"a")

    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationError")
    assert answer.document == {
        "ErrorCode": "INFERENCE_COMPONENT_NAME_MISSING",
        "Message": "Inference Component Name header is required for endpoints to which you plan to "
        "deploy inference components. Please include Inference Component Name header or consider "
        "using SageMaker models.",
    }


def test_an_endpoint_without_components_rejects_the_name_of_one(lab: Lab):
    error = refusal(invoke, lab, lab.real_time_endpoint(), "component")

    assert error["Error"]["Code"] == "ValidationError"
    assert error["Error"]["Message"] == (
        "Inference Component Name header is not allowed for endpoints to which you dont plan to "
        "deploy inference components. Please remove the Inference Component Name header and try "
        "again."
    )


def test_a_component_must_belong_to_the_endpoint_and_have_a_copy(lab: Lab):
    endpoint, other = empty_endpoint(lab), empty_endpoint(lab)
    elsewhere = component(lab, other)
    empty = component(lab, endpoint, copies=0)

    error = refusal(invoke, lab, endpoint, elsewhere)
    assert f"{elsewhere} does not exist in endpoint {endpoint}" in error["Error"]["Message"]
    error = refusal(invoke, lab, endpoint, empty)
    assert error["Error"]["Code"] == "ValidationError"
    assert error["Error"]["Message"].startswith("Inference Component has no capacity to process")


def test_a_component_that_does_not_start_fails_with_a_reason(lab: Lab):
    endpoint = empty_endpoint(lab)
    name = create(lab, endpoint, Specification={"ModelName": lab.model({"START": "never"})})
    assert "has no capacity" in refusal(invoke, lab, endpoint, name)["Error"]["Message"]

    lab.server.local("POST", "clock", {"advance_seconds": 481})

    until_status(lab, name, "Failed")
    assert "did not pass the ping health check" in describe(lab, name)["FailureReason"]
    assert describe(lab, name)["RuntimeConfig"]["CurrentCopyCount"] == 0


@pytest.mark.local
def test_an_endpoint_that_has_components_is_not_deleted(lab: Lab):
    endpoint = empty_endpoint(lab)
    name = component(lab, endpoint)

    error = refusal(lab.server.control.delete_endpoint, EndpointName=endpoint)
    assert f"delete {name} first" in error["Error"]["Message"]

    lab.server.control.delete_inference_component(InferenceComponentName=name)
    eventually(lambda: listed(lab, EndpointNameEquals=endpoint) == [])
    lab.server.control.delete_endpoint(EndpointName=endpoint)


@pytest.mark.local
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"VariantName": "B"}, "Variant B does not exist"),
        ({"VariantName": None}, "VariantName is required"),
        ({"Specification": {}}, "Specification is required"),
        ({"Specification": {"StartupParameters": {}}}, "exactly one of ModelName and Container"),
        ({"Specification": {"ModelName": "none"}}, "Could not find model"),
        ({"Specification": {"Container": {"Image": "repository:1"}}}, "Image must be file://"),
        ({"Specification": {"Container": {"Image": "file:///none"}}}, "no executable `serve`"),
        ({"RuntimeConfig": None}, "RuntimeConfig is required"),
        (
            {"Specification": {"BaseInferenceComponentName": "base"}},
            "Specification.BaseInferenceComponentName is not supported by the local SageMaker yet",
        ),
        (
            {"Specification": {"ModelName": "m", "DataCacheConfig": {"EnableCaching": True}}},
            "DataCacheConfig is not supported",
        ),
    ],
)
def test_a_component_that_can_not_be_had_is_refused(
    lab: Lab, members: dict[str, Any], message: str
):
    endpoint = empty_endpoint(lab)

    with pytest.raises(ClientError, match=message):
        create(lab, endpoint, **members)


@pytest.mark.local
def test_components_are_placed_only_where_they_belong(lab: Lab):
    with pytest.raises(ClientError, match="takes inference components only"):
        create(lab, lab.real_time_endpoint())
    with pytest.raises(ClientError, match="Could not find endpoint"):
        create(lab, "none")
    output = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}}
    with pytest.raises(ClientError, match="An asynchronous endpoint can't have inference comp"):
        empty_endpoint(lab, AsyncInferenceConfig=output)
    pair = lab.model_of([{"Image": image("stage")}, {"Image": image("stage")}])
    with pytest.raises(ClientError, match="component of several models or containers"):
        create(lab, empty_endpoint(lab), Specification={"ModelName": pair})


@pytest.mark.local
def test_an_endpoint_stays_with_components_or_with_models(lab: Lab):
    endpoint, config = empty_endpoint(lab), lab.config(lab.model())

    with pytest.raises(ClientError, match="can't change between models and inference components"):
        lab.server.control.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)


def test_components_serve_again_after_a_restart_of_the_server(around: Surroundings, tmp_path: Path):
    with running_server(tmp_path / "state", around.url) as server:
        lab = Lab(server, around)
        endpoint = empty_endpoint(lab)
        name = component(lab, endpoint)

    with running_server(tmp_path / "state", around.url) as again:
        lab = Lab(again, around)
        again.until_status(endpoint, "InService")
        until_status(lab, name, "InService")
        assert invoke(lab, endpoint, name)["Body"].read() == b"echo:a\n"
