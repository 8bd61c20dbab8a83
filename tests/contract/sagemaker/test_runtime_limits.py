"""boto3 lets most of these through: only the service checks maxima, patterns and combinations."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import ACCOUNT, AsyncEndpoint, Lab, eventually

ASYNC_CASES = [
    (
        {"InputLocation": "ftp://b/k"},
        "at 'inputLocation' failed to satisfy constraint: Member must",
    ),
    ({"InputLocation": "s3://b/" + "k" * 1018}, "length less than or equal to 1024"),
    ({"ContentType": "x" * 1025}, "'contentType' failed to satisfy constraint: Member must have"),
    ({"Accept": "x" * 1025}, "'accept' failed to satisfy constraint: Member must have length"),
    ({"CustomAttributes": "x" * 1025}, "Value at 'customAttributes' failed to satisfy constraint"),
    ({"InferenceId": "x" * 65}, "'inferenceId' failed to satisfy constraint: Member must have"),
    ({"S3OutputPathExtension": "x" * 513}, "length less than or equal to 512"),
    ({"S3OutputPathExtension": "s3://b"}, "'s3OutputPathExtension' failed to satisfy constraint"),
    ({"S3OutputPathExtension": "a b"}, "'s3OutputPathExtension' failed to satisfy constraint"),
    ({"Filename": "x" * 33}, "'filename' failed to satisfy constraint: Member must have length"),
    ({"Filename": "two.dots.out"}, "'filename' failed to satisfy constraint: Member must satisfy"),
    ({"Filename": "-dash"}, "'filename' failed to satisfy constraint: Member must satisfy"),
    ({"RequestTTLSeconds": 21_601}, "Member must have value less than or equal to 21600"),
    ({"InvocationTimeoutSeconds": 3601}, "Member must have value less than or equal to 3600"),
    ({"Body": b"x" * 128_001}, "Value at 'body' failed to satisfy constraint: Member must have"),
    ({"InputLocation": "s3://b/k"}, "mutually exclusive"),
]


def refused(call: Any, **parameters: Any) -> Any:
    """What the error answered with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response


@pytest.mark.parametrize(("parameters", "message"), ASYNC_CASES)
def test_a_parameter_beyond_its_limits_is_a_validation_error(
    shared_endpoint: AsyncEndpoint, parameters: dict[str, Any], message: str
):
    alone = "InputLocation" in parameters and "mutually" not in message
    body = {} if alone else {"Body": b"a"}

    error = refused(shared_endpoint.invoke, **{"body": None, **body, **parameters})

    assert error["Error"]["Code"] == "ValidationError"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message in error["Error"]["Message"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"RequestTTLSeconds": 60},
        {"RequestTTLSeconds": 21_600},
        {"InvocationTimeoutSeconds": 1},
        {"InvocationTimeoutSeconds": 3600},
        {"InferenceId": "x" * 64},
        {"Filename": "x" * 28 + ".out"},
        {"Body": b"x" * 128_000},
        {"ContentType": "x" * 1024},
    ],
)
def test_a_parameter_at_its_limit_is_accepted(
    shared_endpoint: AsyncEndpoint, parameters: dict[str, Any]
):
    response = shared_endpoint.invoke(**{"Body": b"a", **parameters})

    assert shared_endpoint.output(response)["Body"].startswith(b"echo:")


def test_neither_body_nor_input_location_is_a_validation_error(shared_endpoint: AsyncEndpoint):
    error = refused(shared_endpoint.invoke)

    assert "Provide exactly one of them" in error["Error"]["Message"]


def test_an_input_location_that_is_not_ascii_is_a_validation_error(shared_endpoint: AsyncEndpoint):
    error = refused(shared_endpoint.invoke, InputLocation="s3://lab/käse")

    assert error["Error"]["Code"] == "ValidationError"


def test_every_violation_is_counted_and_listed(shared_endpoint: AsyncEndpoint):
    error = refused(
        shared_endpoint.invoke, body=b"a", Filename="x" * 33, InvocationTimeoutSeconds=7200
    )

    message = error["Error"]["Message"]
    assert message.startswith("2 validation errors detected: ")
    assert "Value '7200' at 'invocationTimeoutSeconds' failed to satisfy constraint" in message


def test_a_number_that_is_none_is_a_validation_error(shared_endpoint: AsyncEndpoint):
    path = f"/endpoints/{shared_endpoint.name}/async-invocations"
    answer = shared_endpoint.server.http(
        "POST", path, b"a", X_Amzn_SageMaker_RequestTTLSeconds="an hour"
    )

    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationError")


def test_an_unknown_endpoint_is_not_found(lab: Lab):
    for call in (lab.server.runtime.invoke_endpoint_async, lab.server.runtime.invoke_endpoint):
        error = refused(call, EndpointName="nobody", Body=b"a")

        assert error["Error"] == {
            "Code": "ValidationError",
            "Message": f"Endpoint nobody of account {ACCOUNT} not found.",
        }


def test_an_endpoint_that_is_not_in_service_is_not_found(lab: Lab):
    endpoint = lab.endpoint(lab.config(lab.model({"START": "never"})))

    assert lab.server.status(endpoint) == "Creating"
    error = refused(lab.server.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"a")

    assert "not found" in error["Error"]["Message"]


def test_each_kind_of_endpoint_accepts_only_its_kind_of_invocation(
    lab: Lab, shared_endpoint: AsyncEndpoint
):
    runtime = lab.server.runtime
    wrong = refused(runtime.invoke_endpoint, EndpointName=shared_endpoint.name, Body=b"a")
    assert "AsyncInferenceConfig" in wrong["Error"]["Message"]

    real_time = lab.real_time_endpoint()
    wrong = refused(runtime.invoke_endpoint_async, EndpointName=real_time, Body=b"a")
    assert "AsyncInferenceConfig" in wrong["Error"]["Message"]


def test_a_real_time_invocation_answers_with_the_models_response(lab: Lab):
    endpoint = lab.real_time_endpoint()

    response = lab.server.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"a", ContentType="text/csv", CustomAttributes="to-the-model"
    )

    assert response["Body"].read() == b"echo:a\n"
    assert response["ContentType"] == "text/csv; charset=utf-8"
    assert response["InvokedProductionVariant"] == "AllTraffic"
    assert response["CustomAttributes"] == "from-the-model"
    assert lab.server.stats(endpoint)["completed"] == 1


@pytest.mark.parametrize(
    ("body", "status", "original"),
    [
        (b"poison", 400, "poisoned record"),
        (b"fail", 500, "the model broke"),
        (b"crash", 0, "could not get a response"),
    ],
)
def test_a_real_time_model_error_carries_status_message_and_log_stream(
    lab: Lab, body: bytes, status: int, original: str
):
    endpoint = lab.real_time_endpoint()

    error = refused(lab.server.runtime.invoke_endpoint, EndpointName=endpoint, Body=body)

    assert error["Error"]["Code"] == "ModelError"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error["OriginalStatusCode"] == status
    assert original in error["OriginalMessage"]
    assert endpoint in error["LogStreamArn"]
    eventually(lambda: lab.server.stats(endpoint)["failed"] == 1)


@pytest.mark.local
def test_a_response_stream_is_refused(lab: Lab, shared_endpoint: AsyncEndpoint):
    invoke = lab.server.runtime.invoke_endpoint_with_response_stream

    error = refused(invoke, EndpointName=shared_endpoint.name, Body=b"a")

    assert "not supported by the local SageMaker yet" in error["Error"]["Message"]
