"""What template.yaml deploys, in moto: tests and deployment cannot drift apart."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from tests.template.model import Template

BUCKETS = ("InputBucket", "OutputBucket", "WorkBucket")
QUEUES = tuple(
    f"{step}{kind}"
    for kind in ("Queue", "DeadLetterQueue")
    for step in ("Upload", "Split", "Invoke", "Transform", "Result", "Assemble")
)
TOPICS = ("SuccessTopic", "FailureTopic")
_OF_THE_TABLE = (
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "BillingMode",
)


@cache
def client(service: str) -> Any:
    """Made once: reading the service's description takes longer than most tests."""
    return boto3.client(service)  # type: ignore[call-overload]


@cache
def _template() -> Template:
    return Template.load()


@dataclass(frozen=True)
class MotoStack:
    """Make it within `mock_aws`. Buckets and table bear the names in `names`."""

    names: dict[str, str]
    queues: dict[str, str]
    topics: dict[str, str]

    @classmethod
    def deployed(cls, prefix: str = "") -> "MotoStack":
        """`prefix` goes before the names of the buckets."""
        _create_table("jobs")
        names = {logical_id: _create_bucket(logical_id, prefix) for logical_id in BUCKETS}
        queues = {logical_id: _create_queue(logical_id) for logical_id in QUEUES}
        sns = client("sns")
        topics = {each: sns.create_topic(Name=each)["TopicArn"] for each in TOPICS}
        return cls(names | {"JobTable": "jobs"}, queues, topics)

    def environment(self, function: str) -> dict[str, str]:
        """The variables of a function, as the template gives them."""
        template = _template()
        ids = self.names | self.queues | self.topics
        values = {**template.given(EndpointName="demo", ModelNamePattern="*"), **ids}
        resolved = {
            name: template.resolve(value, values)
            for name, value in template.environment(function).items()
        }
        return {
            name: str(value) for name, value in resolved.items() if isinstance(value, str | int)
        }

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Those that are visible, with their attributes."""
        sqs = client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            answer = sqs.receive_message(
                QueueUrl=self.queues[queue],
                MaxNumberOfMessages=10,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                return found
            found += answer["Messages"]

    def subscribe(self, topic: str) -> str:
        """A queue, by its name in `queues`, that gets what the topic is told."""
        url = client("sqs").create_queue(QueueName=f"of-{topic}")["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:123456789012:of-{topic}"
        client("sns").subscribe(
            TopicArn=self.topics[topic],
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": "true"},
        )
        self.queues[f"of-{topic}"] = url
        return f"of-{topic}"


def _create_bucket(logical_id: str, prefix: str) -> str:
    name = prefix + logical_id.removesuffix("Bucket").lower()
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    versioning = _template().properties(logical_id).get("VersioningConfiguration")
    if versioning:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioning)
    return name


def _create_table(name: str) -> None:
    properties = _template().properties("JobTable")
    options = {key: properties[key] for key in _OF_THE_TABLE}
    client("dynamodb").create_table(TableName=name, **options)


def _create_queue(logical_id: str) -> str:
    timeout = _template().properties(logical_id)["VisibilityTimeout"]
    answer = client("sqs").create_queue(
        QueueName=logical_id, Attributes={"VisibilityTimeout": str(timeout)}
    )
    return answer["QueueUrl"]
