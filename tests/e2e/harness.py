"""What an end-to-end test does to a stack, and what it looks at."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from examples.local_endpoint import client
from penstock.domain.identity import job_id_of

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds; a job takes two or three, but a loaded machine may need many times that."""


def eventually(look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """The first answer that is not None."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing after {patience} s")


@dataclass(frozen=True)
class Delivered:
    """All that a job left behind."""

    job_id: str
    manifest: dict[str, Any]
    lines: list[str]
    errors: list[dict[str, Any]]

    @property
    def counts(self) -> tuple[int, int, int]:
        records = self.manifest["records"]
        return records["total"], records["succeeded"], records["failed"]


class Stack:
    """A running local stack."""

    def __init__(self, document: Mapping[str, str]) -> None:
        self.document = document
        self.s3 = client(document, "s3")
        self.sqs = client(document, "sqs")
        self.sns = client(document, "sns")
        self.dynamodb = client(document, "dynamodb")
        self.functions = client(document, "lambda")

    def drop(self, key: str, body: bytes) -> str:
        """Puts a file; the id of the job that must follow."""
        bucket = self.document["input_bucket"]
        answer = self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return job_id_of(bucket, key, answer["VersionId"])

    def configure(self, prefix: str, text: str) -> None:
        self.drop(f"{prefix}/_pipeline.yaml", text.encode())

    def run(self, key: str, body: bytes) -> Delivered:
        return self.wait(key, self.drop(key, body))

    def wait(self, key: str, job_id: str, patience: float = PATIENCE) -> Delivered:
        manifest = eventually(lambda: self._manifest(key, job_id), patience)
        output = self.output(f"{key}.out") if manifest["outputs"] else b""
        errors = self.output(f"{key}.errors.jsonl") if "errors" in manifest["outputs"] else b""
        return Delivered(
            job_id=job_id,
            manifest=manifest,
            lines=output.decode().split("\n")[:-1],
            errors=[json.loads(line) for line in errors.splitlines()],
        )

    def _manifest(self, key: str, job_id: str) -> dict[str, Any] | None:
        text = self.output_or_none(f"{key}.manifest.json")
        document = json.loads(text) if text else None
        return document if document and document["job_id"] == job_id else None

    def output(self, key: str) -> bytes:
        found = self.output_or_none(key)
        assert found is not None, f"{key} was not delivered"
        return found

    def output_or_none(self, key: str) -> bytes | None:
        try:
            answer = self.s3.get_object(Bucket=self.document["output_bucket"], Key=key)
        except self.s3.exceptions.ClientError as error:
            # The XML of S3's answer cannot hold any name, and is then no XML to the SDK.
            if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
                raise
            return None
        return bytes(answer["Body"].read())

    def job_status(self, job_id: str) -> str | None:
        key = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}
        item = self.dynamodb.get_item(TableName=self.document["table"], Key=key).get("Item")
        return item["status"]["S"] if item else None

    def physical_name(self, logical: str) -> str:
        """What a resource of the template is called in the stack."""
        with closing(client(self.document, "cloudformation")) as cloudformation:
            answer = cloudformation.describe_stack_resource(
                StackName=self.document["stack_name"], LogicalResourceId=logical
            )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def put_back(self, key: dict[str, Any], attribute: str) -> None:
        """Sets a time in the job table to long ago: hours on AWS, nothing here."""
        self.dynamodb.update_item(
            TableName=self.document["table"],
            Key=key,
            UpdateExpression=f"SET {attribute} = :long_ago",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":long_ago": {"N": "1"}},
        )

    @contextmanager
    def listening(self, topic: str) -> Iterator[Callable[[], dict[str, Any]]]:
        """Messages of a topic, each awaited in turn: the SNS envelope."""
        with self._queue("sns.amazonaws.com") as (queue, arn):
            subscription = self.sns.subscribe(
                TopicArn=self.document[topic], Protocol="sqs", Endpoint=arn
            )["SubscriptionArn"]
            try:
                yield lambda: eventually(lambda: self._receive(queue))
            finally:
                self.sns.unsubscribe(SubscriptionArn=subscription)

    @contextmanager
    def listening_to_events(self) -> Iterator[Callable[[], dict[str, Any]]]:
        """Our events on the default bus, each awaited in turn."""
        events = client(self.document, "events")
        with self._queue("events.amazonaws.com") as (queue, arn):
            events.put_rule(Name="listener", EventPattern=json.dumps({"source": ["penstock"]}))
            events.put_targets(Rule="listener", Targets=[{"Id": "queue", "Arn": arn}])
            try:
                yield lambda: eventually(lambda: self._receive(queue))
            finally:
                events.remove_targets(Rule="listener", Ids=["queue"])
                events.delete_rule(Name="listener")

    @contextmanager
    def _queue(self, service: str) -> Iterator[tuple[str, str]]:
        """URL and ARN of a queue that the service may send to."""
        queue = self.sqs.create_queue(QueueName=f"listener-{time.monotonic_ns()}")["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        policy = {
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        }
        self.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
        try:
            yield queue, arn
        finally:
            self.sqs.delete_queue(QueueUrl=queue)

    def _receive(self, queue: str) -> dict[str, Any] | None:
        messages = self.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])
        if not messages:
            return None
        self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        return dict(json.loads(messages[0]["Body"]))

    @contextmanager
    def faults(self, *rules: dict[str, Any]) -> Iterator[None]:
        """Faults of the local SageMaker while the block runs; each must strike at least once."""
        self.local_sagemaker("PUT", "/_local/faults?seed=7", list(rules))
        try:
            yield
            assert self.all_faults_struck(), self.local_sagemaker("GET", "/_local/faults")
        finally:
            self.local_sagemaker("DELETE", "/_local/faults")

    @contextmanager
    def limits(self, **limits: float) -> Iterator[None]:
        """Of the local SageMaker, other ones while the block runs."""
        self.local_sagemaker("PUT", "/_local/limits", limits)
        try:
            yield
        finally:
            self.local_sagemaker("DELETE", "/_local/limits")

    def transforms_refused(self) -> int:
        """How often there was no room for a transform job."""
        errors = self.local_sagemaker("GET", "/_local/stats")["errors"]
        return int(errors.get("ResourceLimitExceeded", 0))

    def all_faults_struck(self) -> bool:
        return all(rule["struck"] for rule in self.local_sagemaker("GET", "/_local/faults"))

    def local_sagemaker(self, method: str, path: str, document: Any = None) -> Any:
        url = self.document["sagemaker_endpoint_url"] + path
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(  # noqa: S310  loopback
            url, body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None
