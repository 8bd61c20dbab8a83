import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import AsyncEndpoint, Lab, eventually

pytestmark = pytest.mark.local


def inject(endpoint: AsyncEndpoint, fault: str, **members: Any) -> None:
    rule = {"endpoint": endpoint.name, "fault": fault, **members}
    endpoint.server.local("PUT", "faults", [rule])


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("throttle", "ThrottlingException", 400),
        ("access_denied", "AccessDeniedException", 403),
        ("internal_failure", "InternalFailure", 500),
        ("service_unavailable", "ServiceUnavailable", 503),
    ],
)
def test_an_invocation_can_be_refused_a_number_of_times(
    endpoint: AsyncEndpoint, fault: str, code: str, status: int
):
    inject(endpoint, fault, times=2)

    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            endpoint.invoke(b"a")
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status

    assert endpoint.output(endpoint.invoke(b"a"))["Body"] == b"echo:a\n"
    assert endpoint.stats()["accepted"] == 1


def test_a_throttle_has_no_message(endpoint: AsyncEndpoint):
    inject(endpoint, "throttle")

    with pytest.raises(ClientError) as caught:
        endpoint.invoke(b"a")

    assert caught.value.response["Error"].get("Message") is None


def test_a_model_error_is_answered_in_the_models_place(endpoint: AsyncEndpoint):
    inject(endpoint, "model_error", status=503, body="overloaded", times=1)

    assert endpoint.failure(endpoint.invoke(b"a"))["Body"] == b"overloaded"
    assert "server error (503)" in endpoint.error.message()["failureReason"]
    assert endpoint.stats()["model_invocations"] == 0


def test_a_model_timeout_needs_no_waiting(endpoint: AsyncEndpoint):
    inject(endpoint, "model_timeout", times=1)

    assert b"timed out" in endpoint.failure(endpoint.invoke(b"a"))["Body"]
    assert "server error (0)" in endpoint.error.message()["failureReason"]


def test_a_slow_model_uses_up_the_time_that_it_is_allowed(endpoint: AsyncEndpoint):
    inject(endpoint, "slow_model", seconds=1.5)

    slow, late = endpoint.invoke(b"a"), endpoint.invoke(b"b", InvocationTimeoutSeconds=1)

    assert b"timed out" in endpoint.failure(late)["Body"]
    assert endpoint.output(slow)["Body"] == b"echo:a\n"


def test_a_lost_notification_loses_nothing_else(endpoint: AsyncEndpoint):
    inject(endpoint, "lost_notification", times=1)

    lost, kept = endpoint.invoke(b"lost"), endpoint.invoke(b"kept")

    assert endpoint.output(lost)["Body"] == b"echo:lost\n"
    endpoint.output(kept)
    eventually(lambda: endpoint.stats()["notifications_sent"] == 1)
    assert endpoint.stats()["completed"] == 2
    assert len(endpoint.success.wait_for(1)) == 1


def test_a_duplicate_notification_comes_in_extra_copies(endpoint: AsyncEndpoint):
    inject(endpoint, "duplicate_notification", count=2)

    response = endpoint.invoke(b"a")

    messages = endpoint.success.wait_for(3)
    assert [message["inferenceId"] for message in messages] == [response["InferenceId"]] * 3


def test_a_delayed_notification_comes_after_its_delay(endpoint: AsyncEndpoint):
    inject(endpoint, "delayed_notification", seconds=0.5, times=1)

    late = endpoint.invoke(b"late")
    eventually(lambda: endpoint.stats()["completed"] == 1)
    early = endpoint.invoke(b"early")

    order = [message["inferenceId"] for message in endpoint.success.wait_for(2)]
    assert order == [early["InferenceId"], late["InferenceId"]]


def test_a_reordered_notification_comes_after_the_next_one(endpoint: AsyncEndpoint):
    inject(endpoint, "reordered_notification", times=1)

    first = endpoint.invoke(b"first")
    eventually(lambda: endpoint.stats()["completed"] == 1)
    assert endpoint.stats()["notifications_sent"] == 0
    second = endpoint.invoke(b"second")

    order = [message["inferenceId"] for message in endpoint.success.wait_for(2)]
    assert order == [second["InferenceId"], first["InferenceId"]]


def test_rules_are_reported_and_removed(lab: Lab):
    lab.server.local("PUT", "faults", [{"fault": "throttle", "endpoint": "x", "probability": 0.5}])

    (rule,) = lab.server.local("GET", "faults")
    assert (rule["fault"], rule["probability"], rule["struck"]) == ("throttle", 0.5, 0)
    assert lab.server.local("DELETE", "faults") == []


@pytest.mark.parametrize(
    "rules",
    [
        {"fault": "throttle"},
        [{"fault": "earthquake"}],
        [{"fault": "throttle", "probability": 1.5}],
        [{"fault": "throttle", "times": "often"}],
        [{"fault": "throttle", "tiems": 1}],
    ],
)
def test_a_rule_that_can_not_be_meant_is_refused(lab: Lab, rules: Any):
    answer = lab.server.http("PUT", "/_local/faults", json.dumps(rules).encode())

    assert answer.status == 400
    assert answer.document["error"]
    assert lab.server.local("GET", "faults") == []


def test_a_kill_needs_an_endpoint_and_a_clock_goes_only_forward(lab: Lab):
    kill = lab.server.http("POST", "/_local/kill", b'{"endpoint": "none"}')
    clock = lab.server.http("POST", "/_local/clock", b'{"advance_seconds": -1}')

    assert (kill.status, clock.status) == (400, 400)


def test_requests_are_counted_by_operation(lab: Lab):
    before = lab.server.local("GET", "stats")["operations"].get("ListModels", 0)

    lab.server.control.list_models()

    assert lab.server.local("GET", "stats")["operations"]["ListModels"] == before + 1
    assert lab.server.local("GET", "health") == {"status": "ok"}
