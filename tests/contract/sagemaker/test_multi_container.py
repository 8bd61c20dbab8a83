"""Models of several containers: called one by one by name, or one after the other."""

import io
import json
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import BUCKET, ON_AWS, Lab, image, unique
from tests.contract.sagemaker.refusals import refusal


def stage(name: str, hostname: str | None = None, **environment: str) -> dict[str, Any]:
    named = {"ContainerHostname": hostname} if hostname else {}
    return {"Image": image("stage"), "Environment": {"STAGE": name, **environment}, **named}


def endpoint_of(lab: Lab, *containers: dict[str, Any], mode: str | None = None) -> str:
    return lab.real_time_endpoint(lab.model_of(list(containers), mode))


def invoke(lab: Lab, endpoint: str, **parameters: Any) -> Any:
    return lab.server.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"[]", **parameters)


def visited(response: Any) -> Any:
    return json.load(response["Body"])


def test_a_pipeline_passes_each_answer_on_to_the_next_container(lab: Lab):
    endpoint = endpoint_of(lab, stage("one"), stage("two"), stage("three"))

    response = invoke(lab, endpoint, ContentType="text/csv", Accept="application/json")

    stages = visited(response)
    assert [item["stage"] for item in stages] == ["one", "two", "three"]
    assert [item["type"] for item in stages] == ["text/csv", "application/one", "application/two"]
    assert [item["accept"] for item in stages] == [None, None, "application/json"]
    assert response["ContentType"] == "application/three"
    assert len({item["port"] for item in stages}) == 3


def test_attributes_and_inference_id_go_to_every_container_of_a_pipeline(lab: Lab):
    endpoint = endpoint_of(lab, stage("one"), stage("two"))

    response = invoke(lab, endpoint, CustomAttributes="given", InferenceId="id-1")

    stages = visited(response)
    assert [item["attributes"] for item in stages] == ["given", "given"]
    assert [item["inference_id"] for item in stages] == ["id-1", "id-1"]
    assert response["CustomAttributes"] == "from-two"


def test_a_pipeline_ends_with_the_first_error_and_names_its_container(lab: Lab):
    failing = stage("two", "second", FAIL="400")
    endpoint = endpoint_of(lab, stage("one", "first"), failing, stage("three", "third"))

    error = refusal(invoke, lab, endpoint)

    assert (error["OriginalStatusCode"], error["OriginalMessage"]) == (400, "two failed")
    assert "Received client error (400) from second with message" in error["Error"]["Message"]


def test_the_containers_of_a_pipeline_share_the_time(lab: Lab):
    endpoint = endpoint_of(lab, stage("one", SLEEP="0.4"), stage("two", SLEEP="0.4"))
    lab.server.local("PUT", "limits", {"invocation_seconds": 0.6})

    error = refusal(invoke, lab, endpoint)

    assert "waiting for a response from container container_2" in error["OriginalMessage"]


def test_fifteen_containers_make_a_pipeline_and_sixteen_do_not(lab: Lab):
    lab.model_of([stage(str(number)) for number in range(15)])

    with pytest.raises(ClientError, match="length less than or equal to 15"):
        lab.model_of([stage(str(number)) for number in range(16)])


def test_an_asynchronous_endpoint_runs_a_pipeline(lab: Lab):
    model = lab.model_of([stage("one"), stage("two")])
    output = {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/{unique('out')}"}}
    endpoint = lab.endpoint(lab.config(model, output))
    lab.server.until_status(endpoint, "InService")

    response = lab.server.runtime.invoke_endpoint_async(EndpointName=endpoint, Body=b"[]")

    stages = json.loads(lab.around.until_read(response["OutputLocation"])["Body"])
    assert [item["stage"] for item in stages] == ["one", "two"]


def test_a_container_is_invoked_by_its_hostname(lab: Lab):
    containers = [stage("one", "first"), stage("two", "second")]
    endpoint = endpoint_of(lab, *containers, mode="Direct")

    for hostname, name in (("second", "two"), ("first", "one")):
        response = invoke(lab, endpoint, TargetContainerHostname=hostname, Accept="text/csv")
        (here,) = visited(response)
        assert (here["stage"], here["accept"]) == (name, "text/csv")
        assert response["CustomAttributes"] == f"from-{name}"


def test_direct_invocation_needs_a_hostname_that_exists(lab: Lab):
    containers = [stage("one", "first"), stage("two", "second")]
    direct = endpoint_of(lab, *containers, mode="Direct")
    serial = endpoint_of(lab, *containers, mode="Serial")

    missing = refusal(invoke, lab, direct)
    unknown = refusal(invoke, lab, direct, TargetContainerHostname="third")
    out_of_place = refusal(invoke, lab, serial, TargetContainerHostname="first")

    for error, message in (
        (missing, "Specify a target container hostname"),
        (unknown, "Container hostname third does not exist in endpoint"),
        (out_of_place, "is not configured for direct invocation"),
    ):
        assert error["Error"]["Code"] == "ValidationError"
        if not ON_AWS:  # whose words are not known
            assert message in error["Error"]["Message"]


@pytest.mark.local
@pytest.mark.parametrize(
    ("containers", "mode", "message"),
    [
        ([stage("one", "a"), stage("two")], "Direct", "ContainerHostname is required"),
        ([stage("one", "a")], "Direct", "needs more than one container"),
        ([stage("one", "a"), stage("two", "a")], "Serial", "must be unique"),
        ([stage("one", "a_b"), stage("two")], None, "containerHostname' failed to satisfy"),
        ([stage("one"), stage("two")], "Parallel", r"enum value set: \[Serial, Direct\]"),
    ],
)
def test_containers_that_do_not_fit_together_are_refused(
    lab: Lab, containers: list[Any], mode: str | None, message: str
):
    with pytest.raises(ClientError, match=message):
        lab.model_of(containers, mode)


def several_models(prefix: str, **members: Any) -> dict[str, Any]:
    url = f"s3://{BUCKET}/{prefix}/"
    return {"Image": image("multi_model"), "Mode": "MultiModel", "ModelDataUrl": url, **members}


def test_one_container_of_a_pipeline_may_hold_several_models(lab: Lab):
    prefix, archive = unique("mme"), io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        member = tarfile.TarInfo("word")
        member.size = 1
        packed.addfile(member, io.BytesIO(b"w"))
    lab.around.put(f"{prefix}/m.tar.gz", archive.getvalue())
    endpoint = endpoint_of(lab, stage("one"), several_models(prefix))

    answer = invoke(lab, endpoint, TargetModel="m.tar.gz")["Body"].read()

    assert answer.startswith(b'w:[{"stage": "one"')
    with pytest.raises(ClientError, match="Only one container of a pipeline"):
        lab.model_of([several_models(prefix), several_models(prefix)])
    named = several_models(prefix, ContainerHostname="many")
    with pytest.raises(ClientError, match="not supported by the local SageMaker yet"):
        lab.model_of([stage("one", "a"), named], "Direct")


@pytest.mark.local
def test_containers_that_requests_must_name_are_refused_where_no_request_can(lab: Lab):
    direct = lab.model_of([stage("one", "a"), stage("two", "b")], "Direct")
    with pytest.raises(ClientError, match="nor TargetContainerHostname"):
        lab.config(direct, {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"}})

    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    serial = lab.model_of([stage("one"), stage("two")])
    for model in (direct, serial):
        variant = {"VariantName": "A", "ModelName": model, "ServerlessConfig": serverless}
        with pytest.raises(ClientError, match="serverless endpoint can't be a multi-model or"):
            lab.server.control.create_endpoint_config(
                EndpointConfigName="c", ProductionVariants=[variant]
            )
