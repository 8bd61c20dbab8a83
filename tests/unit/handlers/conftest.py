"""The functions as they are deployed, over moto, with the environment of template.yaml."""

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import aws_xray_sdk.core  # noqa: F401  makes a socket when it is imported: here, not in a test
import pytest
from moto import mock_aws
from moto.sagemakerruntime.models import sagemakerruntime_backends
from moto.sqs.models import sqs_backends

from tests.moto_stack import MotoStack, client

ACCOUNT = "123456789012"  # moto's
ROOT = Path(__file__).parents[3]
WORK = "penstock-work"
ANSWER_KEY = "async/output/211d2095-0000-4000-8000-000000000000.out"
FUNCTIONS = {
    "accept_upload": ("AcceptUploadFunction", "UploadQueue"),
    "split_input": ("SplitInputFunction", "SplitQueue"),
    "invoke_model": ("InvokeModelFunction", "InvokeQueue"),
    "start_transform": ("StartTransformFunction", "TransformQueue"),
    "collect_result": ("CollectResultFunction", "ResultQueue"),
    "assemble_output": ("AssembleOutputFunction", "AssembleQueue"),
}
LOGICAL_IDS = {name: logical_id for name, (logical_id, _) in FUNCTIONS.items()} | {
    "sweep_jobs": "SweepJobsFunction",
    "handle_dead_letter": "HandleDeadLetterFunction",
}


@dataclass(frozen=True)
class Context:
    """What Powertools' logger reads of Lambda's context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Deployed:
    """One stack, and the functions on it."""

    stack: MotoStack
    monkeypatch: pytest.MonkeyPatch

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        for name, value in self.stack.environment(LOGICAL_IDS[function]).items():
            self.monkeypatch.setenv(name, value)
        answer: dict[str, Any] = _app(function).lambda_handler(event, Context())
        return answer

    def deliver(self, function: str, sample: str) -> dict[str, Any]:
        """A file of events/, its messages sent and received, to the function; the answer."""
        return self.invoke(function, self.received(sample_event(function, sample)))

    def received(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event with the receipt handles of messages that are really in the queue."""
        for record in event["Records"]:
            url = self.stack.queues[queue_of(record)]
            client("sqs").send_message(QueueUrl=url, MessageBody=record["body"])
            (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
            record["messageId"] = message["MessageId"]
            record["receiptHandle"] = message["ReceiptHandle"]
        return event

    def hidden_for(self, function: str, message_id: str) -> float:
        """Seconds for which the message stays away, from when it was received."""
        queues = sqs_backends[ACCOUNT]["us-east-1"].queues
        (message,) = (
            each for each in queues[FUNCTIONS[function][1]]._messages if each.id == message_id
        )
        return (message.visible_at - (message.approximate_first_receive_timestamp or 0)) / 1000


def queue_of(record: dict[str, Any]) -> str:
    """The name of the queue that a message of a sample event came from."""
    arn: str = record["eventSourceARN"]
    return arn.rsplit(":penstock-", 1)[-1]


def sample_event(function: str, sample: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / function / f"{sample}.json").read_text())
    return event


@cache
def _app(function: str) -> ModuleType:
    """The function's code, imported as Lambda does: with its environment, once for each test."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"functions.{function}.app", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    with mock_aws():
        # Else moto answers into a bucket of its own making, where no endpoint of the stack does.
        answers: dict[Any, Any] = {
            None: (f"s3://{WORK}/{ANSWER_KEY}", f"s3://{WORK}/async/failure/answer.out")
        }
        sagemakerruntime_backends[ACCOUNT]["us-east-1"].async_results["demo"] = answers
        # A warm function remembers a job for seconds, and all tests give theirs the same id.
        _app.cache_clear()
        yield Deployed(MotoStack.deployed("penstock-"), monkeypatch)


@pytest.fixture
def upload(deployed: Deployed) -> Callable[[str, bytes], None]:
    def put(key: str, body: bytes) -> None:
        client("s3").put_object(Bucket="penstock-input", Key=key, Body=body)

    return put
