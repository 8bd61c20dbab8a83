"""The ports on AWS, built from the environment."""

import time
from functools import cache

from penstock.adapters.announcements import AwsAnnouncer
from penstock.adapters.aws import client
from penstock.adapters.dynamodb import DynamoDbTable
from penstock.adapters.endpoints import SageMakerEndpoints
from penstock.adapters.s3 import S3Objects
from penstock.adapters.sqs import SqsQueues
from penstock.adapters.transforms import SageMakerTransforms, control_client
from penstock.settings import Settings


# Cached: use cases of one function share its clients, which take long to make at a cold start.
@cache
def objects_of() -> S3Objects:
    return S3Objects(client("s3"))


@cache
def table_of(settings: Settings) -> DynamoDbTable:
    return DynamoDbTable(client("dynamodb"), settings.table, time.time, settings.retention)


@cache
def queues_of(settings: Settings) -> SqsQueues:
    return SqsQueues(
        client("sqs"),
        settings.split_queue_url,
        settings.invoke_queue_url,
        settings.assemble_queue_url,
        settings.transform_queue_url,
        settings.result_queue_url,
    )


def announcer_of(settings: Settings) -> AwsAnnouncer:
    return AwsAnnouncer(
        sns=client("sns"),
        events=client("events"),
        success_topic=settings.success_topic,
        failure_topic=settings.failure_topic,
        event_bus=settings.event_bus,
    )


@cache
def endpoints_of() -> SageMakerEndpoints:
    return SageMakerEndpoints(client("sagemaker"), time.time)


@cache
def transforms_of() -> SageMakerTransforms:
    return SageMakerTransforms(control_client())
