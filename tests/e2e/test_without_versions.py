"""While the versioning of the buckets is suspended, objects have no version and all goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from examples.echo.echo_reference import expected_line, expected_lines
from tests.e2e.chaos import HurriedSweep
from tests.e2e.harness import Stack, eventually

PIPELINE = (
    "invoke: {endpoint: echo, timeout: 1s, queue_timeout: 60s}\n"
    "chunk: {max_records: 2}\n"
    "retry: {initial_interval: 200ms, maximum_interval: 1s, maximum_attempts: 3}\n"
)
KEY = "unversioned/lines.txt"


@pytest.fixture
def unversioned(echo: Stack) -> Iterator[Stack]:
    buckets = [echo.document["input_bucket"], echo.document["output_bucket"]]
    for bucket in buckets:
        set_versioning(echo, bucket, "Suspended")
    yield echo
    for bucket in buckets:
        set_versioning(echo, bucket, "Enabled")


def set_versioning(echo: Stack, bucket: str, status: str) -> None:
    echo.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def test_files_are_inferred_faults_isolated_and_errors_redriven(unversioned: Stack) -> None:
    put(unversioned, "unversioned/_pipeline.yaml", PIPELINE.encode())
    records = [b"one", b"miscount", b"three", b"poison"]

    # The sweep finds the wrong answer, collect_result hears of the second refusal: each bisects.
    with unversioned.faults({"fault": "lost_notification", "times": 2}):
        put(unversioned, KEY, b"\n".join(records))
        manifest = swept(unversioned, "records")
    lines = unversioned.output(f"{KEY}.out").decode().splitlines()
    errors = unversioned.output(f"{KEY}.errors.jsonl")
    put(unversioned, f"{KEY}.errors.jsonl", errors.replace(b"poison", b"cured!"))
    redriven = swept(unversioned, "redrives")

    assert manifest["input"]["version_id"] is None
    assert [lines[0], lines[2]] == expected_lines([records[0], records[2]])
    assert [json.loads(line)["record"] for line in errors.splitlines()] == [1, 3]
    assert unversioned.output(f"{KEY}.out").decode().splitlines()[3] == expected_line("cured!")
    assert redriven["records"] == {"total": 4, "succeeded": 3, "failed": 1}


def put(stack: Stack, key: str, body: bytes) -> None:
    stack.s3.put_object(Bucket=stack.document["input_bucket"], Key=key, Body=body)


def swept(stack: Stack, member: str) -> dict[str, Any]:
    """The manifest when it has the member. Meanwhile all jobs that run are swept."""

    def delivered() -> dict[str, Any] | None:
        for job_id in running(stack):
            sweep.come(job_id)
        text = stack.output_or_none(f"{KEY}.manifest.json")
        manifest: dict[str, Any] = json.loads(text) if text else {}
        return manifest if manifest.get(member) else None

    with HurriedSweep(stack) as sweep:
        return eventually(delivered)


def running(stack: Stack) -> list[str]:
    """Nobody else can tell the id of a job whose object has no version."""
    answer = stack.dynamodb.query(
        TableName=stack.document["table"],
        IndexName="sweep",
        KeyConditionExpression="sweep = :jobs",
        ExpressionAttributeValues={":jobs": {"S": "JOBS"}},
    )
    return [item["pk"]["S"].removeprefix("JOB#") for item in answer["Items"]]
