"""A running local SageMaker with everything around it, as the tests see it."""

import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

IMAGES = Path(__file__).parent / "images"
IMAGE = f"file://{IMAGES / 'behaviours'}"
ROLE = "arn:aws:iam::000000000000:role/endpoint"
REGION = "eu-west-1"
BUCKET = "lab"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def image(name: str) -> str:
    return f"file://{IMAGES / name}"


def eventually(found: Callable[[], Any], timeout: float = 8.0) -> Any:
    """The first true value of `found()`; fails when there is none within the timeout."""
    deadline = time.monotonic() + timeout
    while not (value := found()):
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.02)
    return value


def client(service: str, url: str, config: Config = ONE_ATTEMPT) -> Any:
    session: Any = boto3.session.Session()  # Any: the service is a variable
    return session.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


@contextmanager
def running_server(state: Path, aws_url: str, *options: str) -> Iterator["Server"]:
    server = start_server(state, aws_url, *options)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(10)


def start_server(state: Path, aws_url: str, *options: str) -> "Server":
    port_file = state.with_name(f"{state.name}-port-{uuid.uuid4().hex[:8]}")
    command = [sys.executable, "-m", "penstock_local.sagemaker", "--port", "0"]
    command += ["--port-file", str(port_file), "--state-dir", str(state)]
    command += ["--aws-endpoint-url", aws_url, "--ping-seconds", "0.1", *options]
    environment = {**os.environ, **CREDENTIALS, "AWS_REGION": REGION}
    log = state.with_name(f"{state.name}.log").open("ab")
    with log:
        process = subprocess.Popen(command, env=environment, stderr=log)  # noqa: S603 - ours
    eventually(lambda: port_file.exists() or process.poll() is not None, 15)
    assert process.poll() is None, state.with_name(f"{state.name}.log").read_text()
    return Server(process, f"http://{port_file.read_text()}")


@dataclass(frozen=True)
class HttpAnswer:
    status: int
    headers: Any
    document: Any


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    url: str

    @cached_property
    def control(self) -> Any:
        return client("sagemaker", self.url)

    @cached_property
    def runtime(self) -> Any:
        return client("sagemaker-runtime", self.url)

    def local(self, method: str, path: str, document: Any = None) -> Any:
        data = None if document is None else json.dumps(document).encode()
        answer = self.http(method, f"/_local/{path}", data)
        assert answer.status == 200, answer
        return answer.document

    def http(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HttpAnswer:
        """What no SDK would send. `_` in the names of headers stands for `-`."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=5)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(connection):
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return HttpAnswer(response.status, response.headers, json.load(response))

    def stats(self, endpoint: str) -> Any:
        return self.local("GET", "stats")["endpoints"][endpoint]

    def status(self, endpoint: str) -> str:
        described = self.control.describe_endpoint(EndpointName=endpoint)
        return str(described["EndpointStatus"])

    def until_status(self, endpoint: str, status: str) -> None:
        eventually(lambda: self.status(endpoint) == status)


@dataclass
class Surroundings:
    """S3, SNS, SQS and EventBridge, and a topic whose messages can be read."""

    url: str

    def __post_init__(self) -> None:
        self.s3 = client("s3", self.url)
        self.sns = client("sns", self.url)
        self.sqs = client("sqs", self.url)
        self.events = client("events", self.url)
        self.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

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
        queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        self.sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )
        return Topic(topic, queue, self.sqs)


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
    server: Server
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
    server: Server
    around: Surroundings

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
