"""Names go to AWS as they are. Only attributes of SNS messages cannot hold all of them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.adapters.announcements import AwsAnnouncer
from penstock.adapters.dynamodb import DynamoDbTable
from penstock.adapters.s3 import S3Objects
from penstock.domain.job import JobStatus
from penstock.domain.object_keys import pipeline_candidates, pipeline_name
from penstock.ports import ObjectRef
from tests.moto_stack import MotoStack, client
from tests.unit.cli.world import job_of
from tests.unit.security.names import HOSTILE_KEYS

ALL = pytest.mark.parametrize("key", HOSTILE_KEYS.values(), ids=HOSTILE_KEYS)


@ALL
def test_an_object_of_any_name_is_written_and_read_back(stack: MotoStack, key: str) -> None:
    objects = S3Objects(client("s3"))

    stored = objects.put("output", key, b"bytes", "text/plain")

    assert (stored.bucket, stored.key) == ("output", key)
    assert objects.read(ObjectRef("output", key)) == b"bytes"
    listed = client("s3").list_objects_v2(Bucket="output", EncodingType="url")
    assert listed["KeyCount"] == 1


@ALL
def test_the_table_keeps_a_job_of_any_name(stack: MotoStack, key: str) -> None:
    table = DynamoDbTable(client("dynamodb"), stack.names["JobTable"], lambda: 0.0, 1000)
    job = replace(job_of(key), status=JobStatus.SUBMITTED)

    table.create_job(job)

    assert table.get_job(job.job_id) == job


class Bus:
    """EventBridge; moto keeps no events to look at."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  AWS's name
        self.entries += Entries
        return {}


@ALL
def test_a_job_of_any_name_is_announced_in_characters_that_sns_takes(
    stack: MotoStack, key: str
) -> None:
    bus, told = Bus(), stack.subscribe("FailureTopic")
    topics = (stack.topics["SuccessTopic"], stack.topics["FailureTopic"])
    announcer = AwsAnnouncer(client("sns"), bus, *topics, "default")
    name = pipeline_name(next(pipeline_candidates(key)))
    summary = {"job_id": "0" * 20, "status": "FAILED", "pipeline": name, "input": f"s3://in/{key}"}

    announcer.announce_job(summary, successful=False)

    (message,) = stack.messages(told)
    attributes = [each["StringValue"] for each in message["MessageAttributes"].values()]
    assert all(each and all(map(is_taken_by_sns, each)) for each in attributes)
    assert all(map(is_taken_by_sns, message["Body"]))
    assert json.loads(message["Body"]) == summary
    assert json.loads(bus.entries[0]["Detail"]) == summary


def is_taken_by_sns(character: str) -> bool:
    """SQS API Reference, SendMessage: the characters of XML 1.0."""
    return (
        character in "\t\n\r"
        or "\x20" <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character >= "\U00010000"
    )
