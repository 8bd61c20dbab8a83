"""InvokeEndpoint: parameters, limits, errors, and what goes wrong on demand."""

import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.contract.sagemaker.lab import AsyncEndpoint, Lab, Server, client, eventually
from tests.contract.sagemaker.refusals import refusal

MIB = 1024 * 1024
IMPATIENT = Config(read_timeout=1, retries={"total_max_attempts": 1})


@pytest.fixture(scope="session")
def shared_real_time(server: Server, around: Any) -> str:
    return Lab(server, around).real_time_endpoint()


def padded(size: int) -> bytes:
    """A request of that size, with a short answer."""
    return b"typeless ".ljust(size, b"x")


def inject(lab: Lab, endpoint: str, fault: str, **members: Any) -> None:
    lab.server.local("PUT", "faults", [{"endpoint": endpoint, "fault": fault, **members}])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ContentType": "x" * 1025}, "'contentType' failed to satisfy constraint: Member must"),
        ({"Accept": "x" * 1025}, "at 'accept' failed to satisfy constraint: Member must have"),
        ({"CustomAttributes": "x" * 1025}, "Value at 'customAttributes' failed to satisfy"),
        ({"InferenceId": "x" * 65}, "'inferenceId' failed to satisfy constraint: Member must"),
        ({"TargetModel": "x" * 1025}, "'targetModel' failed to satisfy constraint: Member must"),
        ({"TargetVariant": "x" * 64}, "'targetVariant' failed to satisfy constraint: Member"),
        ({"TargetVariant": "a_b"}, "'targetVariant' failed to satisfy constraint: Member must"),
        ({"TargetContainerHostname": "x" * 64}, "'targetContainerHostname' failed to satisfy"),
        ({"InferenceComponentName": "x" * 64}, "'inferenceComponentName' failed to satisfy"),
        ({"EnableExplanations": "x" * 65}, "'enableExplanations' failed to satisfy constraint"),
        ({"SessionId": "x" * 257}, "'sessionId' failed to satisfy constraint: Member must have"),
    ],
)
def test_a_parameter_beyond_its_limits_is_a_validation_error(
    lab: Lab, shared_real_time: str, parameters: dict[str, Any], message: str
):
    invoke = lab.server.runtime.invoke_endpoint
    error = refusal(invoke, EndpointName=shared_real_time, Body=b"a", **parameters)

    assert error["Error"]["Code"] == "ValidationError"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message in error["Error"]["Message"]


@pytest.mark.local
@pytest.mark.parametrize(
    "parameters",
    [{"EnableExplanations": "`true`"}, {"SessionId": "NEW_SESSION"}, {"PrefixAwareId": "id"}],
)
def test_a_parameter_that_the_server_can_not_honour_is_refused(
    lab: Lab, shared_real_time: str, parameters: dict[str, Any]
):
    invoke = lab.server.runtime.invoke_endpoint
    error = refusal(invoke, EndpointName=shared_real_time, Body=b"a", **parameters)

    assert error["Error"]["Code"] == "ValidationError"
    assert "is not supported by the local SageMaker yet" in error["Error"]["Message"]


def test_parameters_reach_the_container_as_headers(lab: Lab, shared_real_time: str):
    response = lab.server.runtime.invoke_endpoint(
        EndpointName=shared_real_time,
        Body=b"headers",
        ContentType="text/csv",
        Accept="application/json",
        CustomAttributes="c" * 1024,
        InferenceId="i" * 64,
    )

    headers = {name.lower(): value for name, value in json.load(response["Body"]).items()}
    assert headers["content-type"] == "text/csv"
    assert headers["accept"] == "application/json"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "c" * 1024
    assert headers["x-amzn-sagemaker-inference-id"] == "i" * 64
    assert response["CustomAttributes"] == "from-the-model"


def test_six_mebibytes_are_the_largest_payload_unless_more_is_asked_for(
    lab: Lab, shared_real_time: str
):
    invoke = lab.server.runtime.invoke_endpoint
    assert invoke(EndpointName=shared_real_time, Body=padded(6 * MIB))["Body"].read()

    large = refusal(invoke, EndpointName=shared_real_time, Body=padded(6 * MIB + 1))
    assert "less than or equal to 6291456" in large["Error"]["Message"]

    lab.server.local("PUT", "limits", {"real_time_payload_bytes": 25 * MIB})
    assert invoke(EndpointName=shared_real_time, Body=padded(25 * MIB))["Body"].read()


def test_a_response_beyond_the_payload_limit_is_a_model_error(lab: Lab, shared_real_time: str):
    error = refusal(
        lab.server.runtime.invoke_endpoint,
        EndpointName=shared_real_time,
        Body=f"large {6 * MIB + 1}".encode(),
    )

    assert error["Error"]["Code"] == "ModelError"
    assert "larger than 6291456 bytes" in error["OriginalMessage"]


def test_a_model_that_takes_longer_than_the_limit_is_a_model_error_without_a_status(
    lab: Lab, shared_real_time: str
):
    lab.server.local("PUT", "limits", {"invocation_seconds": 0.3})

    error = refusal(
        lab.server.runtime.invoke_endpoint, EndpointName=shared_real_time, Body=b"sleep 2"
    )

    assert error["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert error["OriginalStatusCode"] == 0
    assert error["OriginalMessage"].startswith(
        "Your invocation timed out while waiting for a response from container primary."
    )


def test_the_original_message_is_cut_at_2048_characters(lab: Lab, shared_real_time: str):
    error = refusal(
        lab.server.runtime.invoke_endpoint, EndpointName=shared_real_time, Body=b"fail 5000"
    )

    assert error["OriginalMessage"] == "x" * 2048
    assert len(error["Error"]["Message"]) < 3000


def test_limits_are_reported_changed_and_put_back(lab: Lab):
    before = lab.server.local("GET", "limits")

    changed = lab.server.local("PUT", "limits", {"invocation_seconds": 1})
    assert changed == {**before, "invocation_seconds": 1}
    assert lab.server.local("DELETE", "limits") == before


@pytest.mark.parametrize("document", [{"speed": 1}, {"invocation_seconds": "60"}, []])
def test_a_limit_that_can_not_be_meant_is_refused(lab: Lab, document: Any):
    answer = lab.server.http("PUT", "/_local/limits", json.dumps(document).encode())

    assert answer.status == 400
    assert answer.document["error"]


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"fault": "throttle"}, "ThrottlingException", 400),
        ({"fault": "throttle", "status": 429}, "ThrottlingException", 429),
        ({"fault": "access_denied"}, "AccessDeniedException", 403),
        ({"fault": "internal_failure"}, "InternalFailure", 500),
        ({"fault": "service_unavailable"}, "ServiceUnavailable", 503),
        ({"fault": "internal_dependency"}, "InternalDependencyException", 530),
        ({"fault": "model_not_ready"}, "ModelNotReadyException", 429),
        ({"fault": "model_error", "status": 503}, "ModelError", 424),
        ({"fault": "model_timeout"}, "ModelError", 424),
    ],
)
def test_an_invocation_goes_wrong_on_demand(
    lab: Lab, shared_real_time: str, fault: dict[str, Any], code: str, status: int
):
    lab.server.local("PUT", "faults", [{"endpoint": shared_real_time, "times": 1, **fault}])
    invoke = lab.server.runtime.invoke_endpoint

    error = refusal(invoke, EndpointName=shared_real_time, Body=b"a")

    assert error["Error"]["Code"] == code
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status
    assert invoke(EndpointName=shared_real_time, Body=b"a")["Body"].read() == b"echo:a\n"


def test_exceptions_of_the_model_are_those_that_boto3_knows(lab: Lab, shared_real_time: str):
    exceptions = lab.server.runtime.exceptions
    inject(lab, shared_real_time, "internal_dependency", times=1)
    with pytest.raises(exceptions.InternalDependencyException):
        lab.server.runtime.invoke_endpoint(EndpointName=shared_real_time, Body=b"a")

    inject(lab, shared_real_time, "model_not_ready", times=1)
    with pytest.raises(exceptions.ModelNotReadyException):
        lab.server.runtime.invoke_endpoint(EndpointName=shared_real_time, Body=b"a")


def test_a_slow_model_uses_up_the_time_of_a_real_time_invocation(lab: Lab, shared_real_time: str):
    lab.server.local("PUT", "limits", {"invocation_seconds": 0.3})
    inject(lab, shared_real_time, "slow_model", seconds=1, times=1)

    error = refusal(lab.server.runtime.invoke_endpoint, EndpointName=shared_real_time, Body=b"a")

    assert "timed out" in error["OriginalMessage"]


def test_a_call_that_hangs_never_reaches_the_model(lab: Lab):
    endpoint = lab.real_time_endpoint()
    impatient = client("sagemaker-runtime", lab.server.url, IMPATIENT)
    inject(lab, endpoint, "hang", times=1)

    with pytest.raises(ReadTimeoutError):
        impatient.invoke_endpoint(EndpointName=endpoint, Body=b"a")

    assert lab.server.stats(endpoint)["model_invocations"] == 0


def test_a_call_whose_answer_is_lost_has_run_the_model(lab: Lab):
    endpoint = lab.real_time_endpoint()
    impatient = client("sagemaker-runtime", lab.server.url, IMPATIENT)
    inject(lab, endpoint, "lost_answer", times=1)

    with pytest.raises(ReadTimeoutError):
        impatient.invoke_endpoint(EndpointName=endpoint, Body=b"a")

    eventually(lambda: lab.server.stats(endpoint)["completed"] == 1)


def test_a_connection_that_breaks_off_after_a_while_is_a_connection_error(
    lab: Lab, shared_real_time: str
):
    inject(lab, shared_real_time, "hang", seconds=0.2, times=1)

    with pytest.raises(ConnectionClosedError):
        lab.server.runtime.invoke_endpoint(EndpointName=shared_real_time, Body=b"a")


def test_a_rule_that_names_an_operation_strikes_only_that_one(
    lab: Lab, shared_real_time: str, shared_endpoint: AsyncEndpoint
):
    rule = {"fault": "throttle", "operation": "InvokeEndpointAsync"}
    lab.server.local("PUT", "faults", [rule])

    lab.server.runtime.invoke_endpoint(EndpointName=shared_real_time, Body=b"a")
    with pytest.raises(ClientError, match="ThrottlingException"):
        shared_endpoint.invoke(b"a")


def test_a_rule_for_the_control_plane_must_name_its_operation(lab: Lab):
    lab.server.local("PUT", "faults", [{"fault": "throttle"}])
    lab.server.control.list_models()

    rules = [{"fault": "service_unavailable", "operation": "ListModels", "times": 1}]
    lab.server.local("PUT", "faults", rules)
    error = refusal(lab.server.control.list_models)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 503
    lab.server.control.list_models()
