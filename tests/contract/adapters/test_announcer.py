"""Announcer: SNS and EventBridge get what the fake keeps."""

import json

import pytest

from penstock.adapters.announcements import AwsAnnouncer
from penstock.domain.errors import RetryableError
from tests.moto_stack import MotoStack, client

SUMMARY = {"job_id": "0" * 20, "status": "PARTIAL", "pipeline": "in/ü", "records": {"total": 3}}
REPORT = {"pipeline": "in", "file": "s3://input/in/_pipeline.yaml", "problems": ["line 3: ö"]}


@pytest.mark.parametrize(
    ("topic", "other", "successful"),
    [("SuccessTopic", "FailureTopic", True), ("FailureTopic", "SuccessTopic", False)],
)
def test_a_job_is_announced_on_the_topic_of_its_success(
    stack: MotoStack, announcer: AwsAnnouncer, topic: str, other: str, successful: bool
) -> None:
    told, untold = stack.subscribe(topic), stack.subscribe(other)

    announcer.announce_job(SUMMARY, successful=successful)

    (message,) = stack.messages(told)
    assert json.loads(message["Body"]) == SUMMARY
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes == {"pipeline": "in/ü", "status": "PARTIAL", "job_id": "0" * 20}
    assert stack.messages(untold) == []


def test_a_bad_pipeline_is_announced_on_the_failure_topic(
    stack: MotoStack, announcer: AwsAnnouncer
) -> None:
    told = stack.subscribe("FailureTopic")

    announcer.announce_bad_pipeline(REPORT)

    (message,) = stack.messages(told)
    assert json.loads(message["Body"]) == REPORT
    assert message["MessageAttributes"]["status"]["StringValue"] == "INVALID_PIPELINE"


def test_control_characters_of_a_prefix_do_not_keep_a_job_from_being_announced(
    stack: MotoStack, announcer: AwsAnnouncer
) -> None:
    told = stack.subscribe("SuccessTopic")

    announcer.announce_job(SUMMARY | {"pipeline": "in\x00\x1fx"}, successful=True)

    (message,) = stack.messages(told)
    assert message["MessageAttributes"]["pipeline"]["StringValue"] == "in\ufffd\ufffdx"
    assert json.loads(message["Body"])["pipeline"] == "in\x00\x1fx"


class Bus:
    """EventBridge; moto keeps no events to look at."""

    def __init__(self, failed: int = 0) -> None:
        self.failed = failed
        self.entries: list[dict] = []

    def put_events(self, Entries):  # noqa: N803  the name of AWS's parameter
        self.entries += Entries
        return {"FailedEntryCount": self.failed, "Entries": [{"ErrorCode": "InternalFailure"}]}


def with_bus(stack: MotoStack, bus: Bus) -> AwsAnnouncer:
    topics = (stack.topics["SuccessTopic"], stack.topics["FailureTopic"])
    return AwsAnnouncer(client("sns"), bus, *topics, "default")


def test_the_same_is_an_event(stack: MotoStack) -> None:
    bus = Bus()

    with_bus(stack, bus).announce_job(SUMMARY, successful=True)
    with_bus(stack, bus).announce_bad_pipeline(REPORT)

    job, pipeline = bus.entries
    assert json.loads(job.pop("Detail")) == SUMMARY
    assert job == {"Source": "penstock", "DetailType": "Job Partial", "EventBusName": "default"}
    assert (pipeline["DetailType"], json.loads(pipeline["Detail"])) == ("Pipeline Invalid", REPORT)


def test_an_event_that_the_bus_did_not_take_is_an_error_to_retry(stack: MotoStack) -> None:
    announcer = with_bus(stack, Bus(failed=1))

    with pytest.raises(RetryableError, match="PutEventsFailed"):
        announcer.announce_job(SUMMARY, successful=True)


def test_real_events_are_taken(announcer: AwsAnnouncer) -> None:
    announcer.announce_job(SUMMARY, successful=True)
