"""What nobody was told of, and what failed ten times: the job ends all the same.

The stack has `SweepGraceSeconds: 5`. The sweep comes by its own schedule, every minute.
"""

import json
from typing import Any

import pytest

from examples.echo.echo_reference import expected_lines
from penstock.domain.chunk import ChunkMessage
from penstock.domain.identity import job_id_of
from tests.e2e.harness import Stack, eventually

QUICK = (
    "invoke: {endpoint: echo, timeout: 1s, queue_timeout: 60s}\n"
    "chunk: {max_records: 50}\n"
    "retry: {initial_interval: 200ms, maximum_interval: 1s}\n"
)
RECORDS = [f"record {number}".encode() for number in range(1000)]
BODY = b"\n".join(RECORDS) + b"\n"
CHUNKS = 20


@pytest.fixture(scope="module", autouse=True)
def _quick_pipeline(echo: Stack) -> None:
    echo.configure("lost", QUICK)


def test_lost_notifications_are_found_by_the_sweep(echo: Stack) -> None:
    with echo.faults({"fault": "lost_notification", "probability": 0.2}):
        job_id = echo.drop("lost/words.txt", BODY)
        lost = eventually(lambda: in_flight(echo, job_id))
        make_overdue(echo, job_id, lost)
        delivered = echo.wait("lost/words.txt", job_id)

    assert delivered.lines == expected_lines(RECORDS)
    assert delivered.counts == (1000, 1000, 0)
    assert delivered.manifest["retries"] == 0


def test_a_chunk_in_the_dead_letter_queue_becomes_error_lines(echo: Stack) -> None:
    with echo.faults({"fault": "throttle"}):
        job_id = stuck(echo, "lost/chunk.txt")
        message = ChunkMessage(job_id, 0, 0, start=0, end=4, records=2, first_record=0, chunks=1)
        bury(echo, "invoke_queue_url", message.to_json())
        delivered = echo.wait("lost/chunk.txt", job_id)

    assert delivered.counts == (2, 0, 2)
    assert {error["error"] for error in delivered.errors} == {"DeadLetter"}


@pytest.mark.parametrize(
    ("queue", "message"),
    [
        ("split_queue_url", {"kind": "emit", "region": {}}),
        ("assemble_queue_url", {"kind": "segment", "segment": 0, "chunks": 1}),
    ],
)
def test_a_step_in_the_dead_letter_queue_fails_its_job(
    echo: Stack, queue: str, message: dict[str, Any]
) -> None:
    key = f"lost/{queue}.txt"
    with echo.faults({"fault": "throttle"}):
        job_id = stuck(echo, key)
        bury(echo, queue, {**message, "job_id": job_id})
        delivered = echo.wait(key, job_id)

    assert delivered.manifest["status"] == "FAILED"
    assert delivered.manifest["failure"]["code"] == "DeadLetter"


def test_a_result_in_the_dead_letter_queue_becomes_error_lines(echo: Stack) -> None:
    with echo.faults({"fault": "throttle"}):
        job_id = stuck(echo, "lost/result.txt")
        notification = {
            "inferenceId": f"{job_id}:00000.0000:1:2:1",
            "invocationStatus": "Completed",
        }
        bury(echo, "result_queue_url", notification)
        # Its chunk is on record when it is given up.
        message = ChunkMessage(job_id, 0, 0, start=0, end=4, records=2, first_record=0, chunks=1)
        bury(echo, "invoke_queue_url", message.to_json())
        delivered = echo.wait("lost/result.txt", job_id)

    assert {error["error"] for error in delivered.errors} == {"DeadLetter"}


def test_an_upload_in_the_dead_letter_queue_becomes_a_failed_job(echo: Stack) -> None:
    bucket, key = echo.document["input_bucket"], "lost/upload.txt"
    found = {"key": key, "size": 3, "etag": "e", "sequencer": "1"}
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": found},
    }
    with echo.listening("failure_topic_arn") as next_message:
        bury(echo, "upload_queue_url", event)
        # Jobs of earlier tests may be ended by the sweep meanwhile, and told of too.
        messages = (json.loads(next_message()["Message"]) for _ in range(5))
        told = next(each for each in messages if each["job_id"] == job_id_of(bucket, key, "e:1"))

    assert told["failure"]["code"] == "DeadLetter"


def in_flight(echo: Stack, job_id: str) -> list[dict[str, Any]] | None:
    """The chunks without an outcome when all have been answered."""
    answer = echo.dynamodb.query(
        TableName=echo.document["table"],
        KeyConditionExpression="pk = :segment",
        ExpressionAttributeValues={":segment": {"S": f"JOB#{job_id}#SEGMENT#00000"}},
        ConsistentRead=True,
    )
    left = [item for item in answer["Items"] if "outcome" not in item]
    sent = len(answer["Items"]) == CHUNKS and all("inference_id" in item for item in left)
    now = echo.local_sagemaker("GET", "/_local/stats")["endpoints"]["echo"]
    idle = now["waiting"] == now["in_process"] == 0
    return left if sent and idle and left else None


def make_overdue(echo: Stack, job_id: str, chunks: list[dict[str, Any]]) -> None:
    """What takes hours on AWS, and two minutes with the shortest times that a pipeline can have."""
    for item in chunks:
        echo.put_back({"pk": item["pk"], "sk": item["sk"]}, "invoked_at")
    echo.put_back({"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}, "sweep_at")


def stuck(echo: Stack, key: str) -> str:
    """A job that runs and cannot go on, for the endpoint throttles it: it has met that fault."""
    job_id = echo.drop(key, b"1\n2\n")
    eventually(lambda: True if echo.job_status(job_id) == "RUNNING" else None)
    eventually(lambda: True if echo.all_faults_struck() else None)
    return job_id


def bury(echo: Stack, queue: str, document: dict[str, Any]) -> None:
    """Puts a message into the dead-letter queue of the queue."""
    found = echo.sqs.get_queue_attributes(
        QueueUrl=echo.document[queue], AttributeNames=["RedrivePolicy"]
    )
    arn = json.loads(found["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
    url = echo.sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
    echo.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(document))
