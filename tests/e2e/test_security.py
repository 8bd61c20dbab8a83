"""What somebody with rights on one prefix, or on a topic, cannot make the deployed stack do.

IAM is enforced here, so that what the code lets through is stopped by the functions' roles.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from examples.echo.echo_reference import expected_line, expected_lines
from penstock.adapters import items
from penstock.domain.identity import job_id_of
from penstock.domain.invoke import Invoke
from penstock.domain.job import Job, Source
from penstock.domain.pipeline import Pipeline
from tests.e2e.harness import Stack, eventually

RECORDS = [b"one", b"two", b"three"]
BODY = b"\n".join(RECORDS) + b"\n"
SECRET = b"secret\n"


@pytest.fixture(scope="module", autouse=True)
def _pipeline(echo: Stack) -> None:
    echo.configure("hostile", "invoke: {endpoint: echo}\nchunk: {max_records: 2}\n")


@pytest.fixture(scope="module")
def foreign_bucket(echo: Stack) -> Iterator[str]:
    """Of the same account, as most are that nobody wants read."""
    name = "payroll"
    echo.s3.create_bucket(Bucket=name)
    echo.s3.put_object(Bucket=name, Key="async/output/secret.out", Body=SECRET)
    yield name
    echo.s3.delete_object(Bucket=name, Key="async/output/secret.out")
    echo.s3.delete_bucket(Bucket=name)


NAMES = {
    "encoded characters": "hostile/a%2Fb%20c+d e&f=g?h#i.txt",
    "spaces at the end": "hostile/rows.txt  ",
    "emoji": "hostile/\U0001f469\u200d\U0001f52c.txt",
    "escape sequences": "hostile/\x1b[31mred\x9b0m.txt",
    "quotes and a command": "hostile/'\"`$(reboot)`;.txt",
    "a name of 1,010 bytes": "hostile/" + "é" * 501,
    "no characters of XML": "hostile/\ufffe.txt",
}


@pytest.mark.parametrize("key", NAMES.values(), ids=NAMES)
def test_a_file_of_any_name_is_predicted_and_announced(echo: Stack, key: str) -> None:
    with echo.listening("success_topic_arn") as next_message:
        delivered = echo.run(key, BODY)
        told = json.loads(next_message()["Message"])

    assert delivered.lines == expected_lines(RECORDS)
    assert told["input"] == f"s3://{echo.document['input_bucket']}/{key}"


def test_a_function_may_not_read_another_bucket(echo: Stack, foreign_bucket: str) -> None:
    """Whoever may write to the table could name one; the role of split_input says no."""
    made = Job(
        job_id="0123456789abcdef0123",
        source=Source(foreign_bucket, "async/output/secret.out", len(SECRET), "etag"),
        pipeline=Pipeline(Invoke("echo")),
        region_bytes=1000,
        created_at=4_000_000_000.0,
    )
    job = replace(made, source=replace(made.source, etag=_etag(echo, made.source)))
    echo.dynamodb.put_item(TableName=echo.document["table"], Item=items.job_item(job))
    scan = {"kind": "scan", "job_id": job.job_id, "region": 0}
    echo.sqs.send_message(QueueUrl=echo.document["split_queue_url"], MessageBody=json.dumps(scan))

    delivered = echo.wait(job.source.key, job.job_id)

    assert delivered.manifest["failure"]["code"] == "AccessDenied"
    assert delivered.lines == []


def _etag(stack: Stack, source: Source) -> str:
    etag: str = stack.s3.head_object(Bucket=source.bucket, Key=source.key)["ETag"]
    return etag.strip('"')


def test_a_forged_notification_has_nothing_read_and_costs_nobody_anything(
    echo: Stack, foreign_bucket: str
) -> None:
    key = "hostile/forged.txt"
    with echo.faults({"fault": "delayed_notification", "seconds": 3}):
        job_id = echo.drop(key, BODY)
        eventually(lambda: True if echo.job_status(job_id) == "RUNNING" else None)
        for place in (
            f"s3://{foreign_bucket}/async/output/secret.out",
            f"s3://{echo.document['input_bucket']}/{key}",
            f"s3://{echo.document['work_bucket']}/async/output/../input/x",
        ):
            _tell(echo, f"{job_id}:00000.0000:1:2:2", place)
        delivered = echo.wait(key, job_id)

    assert delivered.lines == expected_lines(RECORDS)
    assert delivered.manifest["retries"] == 0


def _tell(stack: Stack, inference_id: str, location: str) -> None:
    notification = {
        "inferenceId": inference_id,
        "invocationStatus": "Completed",
        "responseParameters": {"contentType": "text/plain", "outputLocation": location},
    }
    stack.sns.publish(
        TopicArn=stack.document["inference_success_topic_arn"], Message=json.dumps(notification)
    )


def test_garbage_in_the_queues_holds_nobody_up(echo: Stack) -> None:
    for queue in ("upload", "split", "invoke", "result", "assemble"):
        for body in ("nonsense", "[]", "{}", "[" * 100_000, '{"kind": ["scan"]}'):
            echo.sqs.send_message(QueueUrl=echo.document[f"{queue}_queue_url"], MessageBody=body)

    delivered = echo.run("hostile/beside-garbage.txt", BODY)

    assert delivered.lines == expected_lines(RECORDS)


def test_compressed_files_are_refused_by_name_and_else_taken_as_the_bytes_they_are(
    echo: Stack,
) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)

    by_name = echo.run("hostile/zeros.txt.gz", bomb)
    answer = echo.s3.put_object(
        Bucket=echo.document["input_bucket"],
        Key="hostile/zeros.txt",
        Body=bomb,
        ContentEncoding="gzip",
    )
    job_id = job_id_of(echo.document["input_bucket"], "hostile/zeros.txt", answer["VersionId"])
    delivered = echo.wait("hostile/zeros.txt", job_id)

    assert by_name.manifest["failure"]["code"] == "UnreadableFormat"
    assert {error["error"] for error in delivered.errors} == {"InvalidUtf8"}
    assert delivered.manifest["input"]["size"] == len(bomb)


def test_a_bomb_of_a_pipeline_file_is_refused_at_once(echo: Stack) -> None:
    bomb = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    with echo.listening("failure_topic_arn") as next_message:
        echo.configure("bomb", "\n".join(bomb))
        told = json.loads(next_message()["Message"])

    assert told["problems"] == [
        "bomb/_pipeline.yaml, line 2: aliases (*name) are not allowed; write the value out"
    ]


def test_a_bomb_of_a_record_costs_only_itself(echo: Stack) -> None:
    echo.configure("bombs", "invoke: {endpoint: echo}\nchunk: {max_bytes: 32MiB}\n")
    records = [b"[1]", b"[" * 1_000_000, b"[" + b"{}," * 4_000_000 + b"{}]", b"[2]"]

    delivered = echo.run("bombs/data.jsonl", b"\n".join(records))

    assert [(error["record"], error["error"]) for error in delivered.errors] == [
        (1, "InvalidJson"),
        (2, "RecordTooLarge"),
    ]
    assert json.loads(delivered.lines[0]) == {"digest": expected_line(b"[1]")}
    assert json.loads(delivered.lines[3]) == {"digest": expected_line(b"[2]")}
