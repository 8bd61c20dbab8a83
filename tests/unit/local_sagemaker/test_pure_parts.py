"""Documents, outcomes, states and lists: what needs no server to be checked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock_local.sagemaker.clock import Clock
from penstock_local.sagemaker.components import Component
from penstock_local.sagemaker.errors import ApiError
from penstock_local.sagemaker.invocations import AsyncInvocation, failure_location, output_location
from penstock_local.sagemaker.listing import ENDPOINTS, page
from penstock_local.sagemaker.notifications import delivery, document, response_body
from penstock_local.sagemaker.outcomes import Completed, Failed, is_success, model_failure_reason
from penstock_local.sagemaker.registry import restarted
from penstock_local.sagemaker.resources import (
    AsyncSettings,
    Endpoint,
    EndpointConfig,
    Model,
)
from penstock_local.sagemaker.storage import State, Storage

SETTINGS = AsyncSettings("s3://b/out", "s3://b/fail", None, "ok", "bad", frozenset(), 4)
MODEL = Model("m", {"Containers": [{"Image": "file:///images/a%20b"}]}, 1.5)
VARIANT = {"VariantName": "v", "ModelName": "m"}
CONFIG = EndpointConfig("c", {"ProductionVariants": [VARIANT]}, 2.5)
ENDPOINT = Endpoint("e", CONFIG, {"v": MODEL}, "InService", 3.0, 4.0)
COMPONENT = Component("c", {"EndpointName": "e"}, MODEL, "InService", 5.0, 6.0)
INVOCATION = AsyncInvocation("e", "i", {"InputLocation": "s3://b/i"}, None, 0.0, "s3://b/o", None)


@pytest.mark.parametrize(
    ("status", "side"),
    [(400, "client"), (499, "client"), (500, "server"), (302, "server"), (0, "server")],
)
def test_a_failure_reason_names_side_and_status(status: int, side: str):
    assert f"Received {side} error ({status}) from model." in model_failure_reason(status)


def test_only_2xx_is_success():
    assert [is_success(status) for status in (199, 200, 299, 300)] == [False, True, True, False]


def test_each_outcome_goes_to_its_topic():
    completed, failed = delivery(SETTINGS, Completed("t")), delivery(SETTINGS, Failed("r", "t"))

    assert completed
    assert failed
    assert (completed.topic_arn, failed.topic_arn) == ("ok", "bad")
    assert delivery(replace(SETTINGS, error_topic=None), Failed("r", "t")) is None


def test_the_response_is_included_only_in_the_topics_asked_for():
    asked = replace(SETTINGS, include_response_in=frozenset({"ERROR_NOTIFICATION_TOPIC"}))

    completed, failed = delivery(asked, Completed("t")), delivery(asked, Failed("r", "t"))

    assert completed
    assert failed
    assert (completed.include_response, failed.include_response) == (False, True)


def test_times_are_utc_in_milliseconds():
    message = document(INVOCATION, Completed(None), "r", 1_643_150_760.608)

    assert message["eventTime"] == "2022-01-25T22:46:00.608Z"
    assert message["receivedTime"] == "1970-01-01T00:00:00.000Z"


def test_a_response_without_a_content_type_is_announced_without_one():
    message = document(INVOCATION, Completed(None), "r", 0)

    assert message["responseParameters"] == {"outputLocation": "s3://b/o"}


def test_a_response_that_is_too_large_has_no_content():
    assert set(response_body(None)) == {"message", "encoding"}


def test_locations_come_from_the_object_id_unless_a_filename_is_given():
    assert output_location(SETTINGS, {}, "id") == "s3://b/out/id.out"
    assert output_location(SETTINGS, {"Filename": "f"}, "id") == "s3://b/out/f"
    assert failure_location(SETTINGS, "id") == "s3://b/fail/id-error.out"
    assert failure_location(replace(SETTINGS, failure_path=None), "id") is None


def test_limits_of_an_invocation_have_the_documented_defaults():
    assert (INVOCATION.expires, INVOCATION.timeout) == (21_600, 900)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("InService", "Creating"),
        ("Creating", "Creating"),
        ("Updating", "Creating"),
        ("Failed", "Failed"),
    ],
)
def test_after_a_restart_endpoints_start_again_unless_they_had_failed(before: str, after: str):
    (endpoint,) = restarted([replace(ENDPOINT, status=before)], 9.0)

    assert endpoint.status == after


def test_after_a_restart_what_was_being_deleted_is_gone():
    assert restarted([replace(ENDPOINT, status="Deleting")], 9.0) == []
    assert restarted([replace(COMPONENT, status="Deleting")], 9.0) == []


def test_the_state_is_read_back_as_it_was_stored(tmp_path: Path):
    state = State([MODEL], [CONFIG], [ENDPOINT], [COMPONENT])
    Storage(tmp_path).save(state)

    assert Storage(tmp_path).load() == state
    assert json.loads((tmp_path / "resources.json").read_text())
    assert MODEL.containers[0].image_folder == Path("/images/a b")


def summaries() -> list[dict[str, Any]]:
    names = ["b", "a", "c"]
    return [
        {"EndpointName": name, "CreationTime": n, "EndpointStatus": "InService"}
        for n, name in enumerate(names)
    ]


def listed(**request: Any) -> list[str]:
    return [item["EndpointName"] for item in page(ENDPOINTS, summaries(), request)["Endpoints"]]


def test_lists_are_in_order_of_creation_newest_first_unless_asked_otherwise():
    assert listed() == ["c", "a", "b"]
    assert listed(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]


def test_lists_are_filtered():
    assert listed(NameContains="B") == ["b"]
    assert listed(CreationTimeAfter=0.5, CreationTimeBefore=2) == ["a"]
    assert listed(StatusEquals="Failed") == []


def test_pages_follow_each_other_and_a_made_up_token_is_refused():
    first = page(ENDPOINTS, summaries(), {"MaxResults": 2})

    assert listed(NextToken=first["NextToken"]) == ["b"]
    with pytest.raises(ApiError):
        listed(NextToken="x")


def test_the_clock_can_be_moved_forward():
    clock = Clock(lambda: 100.0)
    clock.advance(60)

    assert clock.now() == 160.0
