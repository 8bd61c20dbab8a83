"""What the running stack consists of, and how full its queues are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock_local import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

QUEUE_COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


@dataclass(frozen=True)
class Queue:
    name: str  # its logical id in the template
    waiting: int
    in_flight: int
    delayed: int


@dataclass(frozen=True)
class Function:
    name: str  # its logical id in the template
    physical_name: str
    log_group: str


def queues(local: Mapping[str, str]) -> list[Queue]:
    sqs = aws.client("sqs", local["aws_endpoint_url"])
    urls = _resources(local, "AWS::SQS::Queue")
    return [_queue(sqs, name, url) for name, url in sorted(urls.items())]


def functions(local: Mapping[str, str]) -> list[Function]:
    client = aws.client("lambda", local["aws_endpoint_url"])
    names = _resources(local, "AWS::Lambda::Function")
    return [_function(client, logical, name) for logical, name in sorted(names.items())]


def _resources(local: Mapping[str, str], kind: str) -> dict[str, str]:
    """Logical to physical ids."""
    cloudformation = aws.client("cloudformation", local["aws_endpoint_url"])
    pages = cloudformation.get_paginator("list_stack_resources").paginate(
        StackName=local["stack_name"]
    )
    summaries = [item for page in pages for item in page["StackResourceSummaries"]]
    return {
        item["LogicalResourceId"]: item["PhysicalResourceId"]
        for item in summaries
        if item["ResourceType"] == kind
    }


def _queue(sqs: Any, name: str, url: str) -> Queue:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(QUEUE_COUNTS.values()))
    counts = answer["Attributes"]
    return Queue(name, **{field: int(counts[its]) for field, its in QUEUE_COUNTS.items()})


def _function(client: Any, logical: str, name: str) -> Function:
    configuration = client.get_function_configuration(FunctionName=name)
    group = configuration.get("LoggingConfig", {}).get("LogGroup")
    return Function(logical, name, group or f"/aws/lambda/{name}")
