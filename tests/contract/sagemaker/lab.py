"""What the tests build: models, configurations, endpoints, and what surrounds them."""

import contextlib
import functools
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from tests.contract.sagemaker.account import Account
from tests.contract.sagemaker.server import UNHURRIED, Server, running_server, start_server
from tests.contract.sagemaker.target import (
    ACCOUNT,
    BUCKET,
    CREDENTIALS,
    IMAGE,
    ON_AWS,
    ONE_ATTEMPT,
    REGION,
    ROLE,
    client,
    eventually,
    image,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Surroundings:
    """S3, SNS, SQS and EventBridge, and a topic whose messages can be read."""

    url: str | None

    def __post_init__(self) -> None:
        self.s3 = client("s3", self.url)
        self.sns = client("sns", self.url)
        self.sqs = client("sqs", self.url)
        self.events = client("events", self.url)
        self.undo: list[Callable[[], Any]] = []  # at the end of a session in a real account
        if not ON_AWS:
            place = {"LocationConstraint": REGION}
            self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)

    def put(self, key: str, body: bytes) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def read(self, location: str) -> Any:
        """The object with its Body as bytes, once it is there; None before."""
        key = urlsplit(location).path.lstrip("/")
        try:
            found = self.s3.get_object(Bucket=BUCKET, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return {**found, "Body": found["Body"].read()}

    def until_read(self, location: str) -> Any:
        return eventually(lambda: self.read(location))

    def topic(self, name: str) -> "Topic":
        topic = self.sns.create_topic(Name=name)["TopicArn"]
        self.undo.append(functools.partial(self.sns.delete_topic, TopicArn=topic))
        queue, arn = self.queue(name, "sns.amazonaws.com")
        self.sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
        )
        return Topic(topic, queue, self.sqs)

    def queue(self, name: str, sender: str) -> tuple[str, str]:
        """URL and ARN of a queue that the service may send to."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.undo.append(functools.partial(self.sqs.delete_queue, QueueUrl=url))
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = found["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": sender},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def rule(self, name: str, pattern: Any, target: Any, state: str = "ENABLED") -> None:
        """Of the default bus."""
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern), State=state)
        self.undo.append(functools.partial(self.events.delete_rule, Name=name))
        self.events.put_targets(Rule=name, Targets=[{"Id": "target", **target}])
        remove = functools.partial(self.events.remove_targets, Rule=name, Ids=["target"])
        self.undo.append(remove)


class Topic:
    def __init__(self, arn: str, queue: str, sqs: Any) -> None:
        self.arn = arn
        self._queue = queue
        self._sqs = sqs
        self._read: list[Any] = []

    def messages(self) -> list[Any]:
        """All that have come so far, in the order of arrival."""
        while found := self._receive():
            self._read += found
        return self._read

    def message(self) -> Any:
        """The only one."""
        eventually(self.messages)
        assert len(self._read) == 1
        return self._read[0]

    def wait_for(self, count: int) -> list[Any]:
        eventually(lambda: len(self.messages()) >= count)
        return self._read

    def _receive(self) -> list[Any]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@dataclass
class AsyncEndpoint:
    name: str
    server: Server | Account
    around: Surroundings
    success: Topic
    error: Topic

    def invoke(self, body: bytes | None = None, **parameters: Any) -> Any:
        if body is not None:
            parameters["Body"] = body
        return self.server.runtime.invoke_endpoint_async(EndpointName=self.name, **parameters)

    def output(self, response: Any) -> Any:
        return self.around.until_read(response["OutputLocation"])

    def failure(self, response: Any) -> Any:
        return self.around.until_read(response["FailureLocation"])

    def stats(self) -> Any:
        return self.server.stats(self.name)


@dataclass
class Lab:
    server: Server | Account
    around: Surroundings
    _endpoints: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Model servers that nobody needs any more take time of those that are tested."""
        for endpoint in self._endpoints:
            with contextlib.suppress(ClientError):  # it may be gone, or still on its way
                self._delete(endpoint)

    def _delete(self, endpoint: str) -> None:
        found = self.server.control.list_inference_components(EndpointNameEquals=endpoint)
        for component in found["InferenceComponents"]:
            name = component["InferenceComponentName"]
            self.server.control.delete_inference_component(InferenceComponentName=name)
        self.server.control.delete_endpoint(EndpointName=endpoint)

    def model(self, environment: dict[str, str] | None = None, **container: Any) -> str:
        name = unique("model")
        self.server.control.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "Environment": environment or {}, **container},
        )
        return name

    def model_of(self, containers: list[dict[str, Any]], mode: str | None = None) -> str:
        """Of several containers."""
        name = unique("model")
        execution = {"InferenceExecutionConfig": {"Mode": mode}} if mode else {}
        self.server.control.create_model(
            ModelName=name, ExecutionRoleArn=ROLE, Containers=containers, **execution
        )
        return name

    def config(self, model: str, asynchronous: Any = None, **variant: Any) -> str:
        name = unique("config")
        further = {"AsyncInferenceConfig": asynchronous} if asynchronous else {}
        self.server.control.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant_of(model, **variant)], **further
        )
        return name

    def endpoint(self, config: str) -> str:
        name = unique("endpoint")
        self.server.control.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self._endpoints.append(name)
        return name

    def async_endpoint(
        self,
        max_concurrent: int | None = None,
        instances: int = 1,
        environment: dict[str, str] | None = None,
        **output: Any,
    ) -> AsyncEndpoint:
        """In service. `output` members replace those of OutputConfig; None leaves one out."""
        name = unique("topic")
        success, error = self.around.topic(f"{name}-success"), self.around.topic(f"{name}-error")
        asynchronous = async_config(success.arn, error.arn, max_concurrent, output)
        config = self.config(self.model(environment), asynchronous, InitialInstanceCount=instances)
        endpoint = self.endpoint(config)
        self.server.until_status(endpoint, "InService")
        return AsyncEndpoint(endpoint, self.server, self.around, success, error)

    def real_time_endpoint(self, model: str | None = None) -> str:
        endpoint = self.endpoint(self.config(model or self.model()))
        self.server.until_status(endpoint, "InService")
        return endpoint


def async_config(
    success: str, error: str, max_concurrent: int | None, output: dict[str, Any]
) -> dict[str, Any]:
    given = {
        "S3OutputPath": f"s3://{BUCKET}/async/output",
        "S3FailurePath": f"s3://{BUCKET}/async/failure",
        "NotificationConfig": {"SuccessTopic": success, "ErrorTopic": error},
        **output,
    }
    config: dict[str, Any] = {
        "OutputConfig": {name: value for name, value in given.items() if value is not None}
    }
    if max_concurrent:
        config["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": max_concurrent}
    return config


def variant_of(model: str, **members: Any) -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        **members,
    }


def unique(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"


__all__ = [
    "ACCOUNT",
    "BUCKET",
    "CREDENTIALS",
    "IMAGE",
    "ONE_ATTEMPT",
    "ON_AWS",
    "REGION",
    "ROLE",
    "UNHURRIED",
    "Account",
    "AsyncEndpoint",
    "Lab",
    "Server",
    "Surroundings",
    "Topic",
    "async_config",
    "client",
    "eventually",
    "image",
    "running_server",
    "start_server",
    "unique",
    "variant_of",
]
