"""Records that failed run again and take their places, on the deployed stack."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from examples.echo.echo_reference import expected_line, expected_lines
from tests.e2e.conftest import STATE
from tests.e2e.harness import PATIENCE, Stack, eventually
from tests.e2e.test_happy_paths import csv_with_notes, records_of

PENSTOCK = Path(sys.executable).with_name("penstock")
PIPELINE = "invoke: {endpoint: echo}\nchunk: {max_records: 2}\nretry: {maximum_attempts: 1}\n"
LONG = b"long " + b"x" * 20_000


def penstock(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [str(PENSTOCK), *map(str, words)]
    return subprocess.run(  # noqa: S603  our own command
        command, cwd=STATE, capture_output=True, text=True, check=False
    )


def forget(stack: Stack, job_id: str) -> None:
    """All of the job in table and work bucket, as if it had expired."""
    for page in stack.dynamodb.get_paginator("scan").paginate(TableName=stack.document["table"]):
        for item in page["Items"]:
            if job_id in item["pk"]["S"]:
                key = {name: item[name] for name in ("pk", "sk")}
                stack.dynamodb.delete_item(TableName=stack.document["table"], Key=key)
    work = {"Bucket": stack.document["work_bucket"]}
    for page in stack.s3.get_paginator("list_objects_v2").paginate(**work):
        for found in page.get("Contents", []):
            if job_id in found["Key"]:
                stack.s3.delete_object(**work, Key=found["Key"])


def redriven(stack: Stack, key: str, job_id: str, patience: float = PATIENCE) -> dict[str, Any]:
    """The manifest, once the job has merged its records."""

    def merged() -> dict[str, Any] | None:
        manifest: dict[str, Any] = json.loads(stack.output(f"{key}.manifest.json"))
        merging = [each["job_id"] for each in manifest.get("redrives", [])]
        return manifest if job_id in merging else None

    return eventually(merged, patience)


def versions(stack: Stack, key: str) -> int:
    answer = stack.s3.list_object_versions(Bucket=stack.document["output_bucket"], Prefix=key)
    return len([each for each in answer["Versions"] if each["Key"] == key])


def test_mended_and_long_records_are_merged_long_after_their_job_is_forgotten(
    echo: Stack,
) -> None:
    echo.configure("redrive", PIPELINE)
    records = [b"one", b"poison", LONG, b"explode", b"five"]
    before = echo.run("redrive/lines.txt", b"\n".join(records))
    assert [error["record"] for error in before.errors] == [1, 3]
    forget(echo, before.job_id)
    assert echo.job_status(before.job_id) is None

    with echo.listening("success_topic_arn") as next_message:
        lines = [error | {"input": f"mended {error['record']}"} for error in before.errors]
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        job_id = echo.drop("redrive/lines.txt.errors.jsonl", body)
        manifest = redriven(echo, "redrive/lines.txt", job_id)
        told = json.loads(next_message()["Message"])

    assert echo.output("redrive/lines.txt.out").decode().splitlines() == expected_lines(
        [b"one", b"mended 1", LONG, b"mended 3", b"five"]
    )
    assert (manifest["status"], manifest["job_id"]) == ("SUCCEEDED", before.job_id)
    assert told["redrive"] == {"of": before.job_id, "records": 2, "succeeded": 2}
    assert versions(echo, "redrive/lines.txt.out") == 2
    assert versions(echo, "redrive/lines.txt.manifest.json") == 2


def test_a_model_that_was_ill_is_asked_again_for_all_that_failed(echo: Stack) -> None:
    echo.configure("redrive-ill", PIPELINE)
    records = [b"one", LONG, b"three"]
    with echo.faults({"fault": "model_error", "status": 500}):
        before = echo.run("redrive-ill/lines.txt", b"\n".join(records))
    assert before.counts == (3, 0, 3)
    assert before.errors[1]["input_truncated"]

    wait = penstock("redrive", "redrive-ill/lines.txt", "--wait")

    assert wait.returncode == 0, wait.stderr
    assert wait.stdout.endswith("3 records redriven: 3 predicted\n")
    fetched = penstock("results", before.job_id).stdout
    assert fetched.splitlines() == expected_lines(records)


def test_rows_with_newlines_in_many_regions_keep_their_places(echo: Stack) -> None:
    echo.configure(
        "redrive-large",
        "invoke: {endpoint: echo}\nchunk: {max_records: 4000}\noutput: {join: input}\n",
    )
    rows = records_of(csv_with_notes(60_000))
    for number in (0, 7, 30_000, 59_999):
        rows[number] = b'"poison\n",' + rows[number]
    assert sum(map(len, rows)) > 4 * 1024**2, "several regions"
    key = "redrive-large/notes.csv"
    before = echo.wait(key, echo.drop(key, b"\n".join(rows)), patience=240)
    assert before.counts == (60_000, 59_996, 4)

    lines = [error | {"input": f"{error['record']},mended"} for error in before.errors]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    manifest = redriven(echo, key, echo.drop(f"{key}.errors.jsonl", body))

    for error in before.errors:
        rows[error["record"]] = f"{error['record']},mended".encode()
    expected = b"".join(row + b"," + expected_line(row).encode() + b"\n" for row in rows)
    assert manifest["status"] == "SUCCEEDED"
    assert echo.output(f"{key}.out") == expected


def test_lines_that_are_not_of_the_file_fail_the_redrive_and_nothing_else(
    echo: Stack, tmp_path: Path
) -> None:
    echo.configure("redrive-wrong", PIPELINE)
    before = echo.run("redrive-wrong/lines.txt", b"one\npoison\n")
    (error,) = before.errors
    wrong = json.dumps(error | {"start": 0}).encode()

    failed = echo.run("redrive-wrong/lines.txt.errors.jsonl", wrong)

    assert failed.manifest["status"] == "FAILED"
    assert failed.manifest["failure"]["message"].startswith("line 1: `start` and `end` of record 1")
    assert versions(echo, "redrive-wrong/lines.txt.out") == 1
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(wrong)
    refused = penstock("redrive", "redrive-wrong/lines.txt", "--records", path)
    assert refused.returncode == 2
    assert "line 1: `start` and `end`" in refused.stderr


def test_a_file_that_has_not_run_has_nothing_to_redrive(echo: Stack) -> None:
    failed = echo.run("redrive/nothing.txt.errors.jsonl", b"{}\n")

    assert failed.manifest["failure"]["code"] == "NothingToRedrive"
