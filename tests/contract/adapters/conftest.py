"""Each port twice: the fake that use cases are tested with, and the adapter over moto."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from penstock.adapters.announcements import AwsAnnouncer
from penstock.adapters.dynamodb import DynamoDbTable
from penstock.adapters.s3 import S3Objects
from penstock.adapters.sqs import SqsQueues
from penstock.ports import JobTable, ObjectStore
from penstock.testing import FakeObjects, FakeTable
from tests.moto_stack import MotoStack, client

NOW = 1_800_000_000.0


@pytest.fixture
def stack() -> Iterator[MotoStack]:
    with mock_aws():
        yield MotoStack.deployed()


@pytest.fixture(params=["fake", "aws"])
def objects(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "fake":
        return FakeObjects()
    request.getfixturevalue("stack")
    return S3Objects(client("s3"))


@pytest.fixture(params=["fake", "aws"])
def table(request: pytest.FixtureRequest) -> JobTable:
    if request.param == "fake":
        return FakeTable()
    return request.getfixturevalue("dynamodb_table")


@pytest.fixture
def dynamodb_table(stack: MotoStack) -> DynamoDbTable:
    return DynamoDbTable(client("dynamodb"), stack.names["JobTable"], lambda: NOW, 3600)


@pytest.fixture
def sqs_queues(stack: MotoStack) -> SqsQueues:
    names = ("SplitQueue", "InvokeQueue", "AssembleQueue", "TransformQueue", "ResultQueue")
    return SqsQueues(client("sqs"), *(stack.queues[name] for name in names))


@pytest.fixture
def announcer(stack: MotoStack) -> AwsAnnouncer:
    return AwsAnnouncer(
        client("sns"),
        client("events"),
        stack.topics["SuccessTopic"],
        stack.topics["FailureTopic"],
        "default",
    )
