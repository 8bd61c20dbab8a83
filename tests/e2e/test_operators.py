"""Whoever has the rights that docs/cli.md lists for a command, and no others, can run it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.local_endpoint import client
from penstock.domain.chunk import ChunkMessage
from tests.e2e.harness import Stack, eventually
from tests.e2e.test_cancelling import SLOWLY
from tests.e2e.test_command_line import PENSTOCK
from tests.e2e.test_command_line import penstock as developer
from tests.e2e.test_dead_letter_queues import letters_are_left_alone
from tests.e2e.test_lost_and_dead import bury, stuck

Run = Callable[..., "subprocess.CompletedProcess[str]"]

READ_JOBS = {
    "{table}": ["dynamodb:GetItem", "dynamodb:BatchGetItem"],
    "{table}/index/listing": ["dynamodb:Query"],
}
CANCEL = {
    **READ_JOBS,
    "{table}": [*READ_JOBS["{table}"], "dynamodb:UpdateItem"],
    "{sweep}": ["lambda:InvokeFunction"],
}
PARTIAL = {
    **READ_JOBS,
    "{table}": [*READ_JOBS["{table}"], "dynamodb:Query"],
    "{work}/pieces/*": ["s3:GetObject"],
    "{work}/async/output/*": ["s3:GetObject"],
}
DLQ = {
    "{dead}": ["sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"],
}
REDRIVE = {
    "{dead}": [*DLQ["{dead}"], "sqs:DeleteMessage"],
    "{queue}": ["sqs:SendMessage"],
}
"""With --limit. Without, SQS moves the letters by a call that the emulator doesn't have."""


@contextmanager
def operator(echo: Stack, here: Path, rights: dict[str, list[str]]) -> Iterator[Run]:
    """Runs the command as a user with these rights, as on AWS: by the name of the stack."""
    iam, name = client(echo.document, "iam"), "operator"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements(echo, rights)})
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": echo.document["region"],
        "AWS_ENDPOINT_URL": echo.document["aws_endpoint_url"],
        "AWS_ENDPOINT_URL_SAGEMAKER": echo.document["sagemaker_endpoint_url"],
        "PENSTOCK_STACK": echo.document["stack_name"],
    }
    try:
        yield lambda *words: subprocess.run(  # noqa: S603  our own command
            [PENSTOCK, *words],
            cwd=here,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        iam.delete_user_policy(UserName=name, PolicyName="rights")
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)


def statements(echo: Stack, rights: dict[str, list[str]]) -> list[dict[str, Any]]:
    account = f"{echo.document['region']}:000000000000"
    names = {
        "table": f"arn:aws:dynamodb:{account}:table/{echo.document['table']}",
        "sweep": f"arn:aws:lambda:{account}:function:{echo.document['sweep_jobs_function']}",
        "work": f"arn:aws:s3:::{echo.document['work_bucket']}",
        "dead": f"arn:aws:sqs:{account}:{echo.document['stack_name']}-*DeadLetterQueue-*",
        "queue": f"arn:aws:sqs:{account}:{echo.document['stack_name']}-*Queue-*",
        "stack": f"arn:aws:cloudformation:{account}:stack/{echo.document['stack_name']}/*",
    }
    wanted = {"{stack}": ["cloudformation:DescribeStacks"], **rights}
    return [
        {"Effect": "Allow", "Action": actions, "Resource": resource.format(**names)}
        for resource, actions in wanted.items()
    ]


@pytest.fixture(scope="module", autouse=True)
def _pipeline(echo: Stack) -> None:
    echo.configure("operators", "invoke: {endpoint: echo}\nchunk: {max_records: 1}\n")


def test_a_job_is_cancelled_and_waited_for(echo: Stack, tmp_path: Path) -> None:
    with echo.faults({"fault": "throttle"}), operator(echo, tmp_path, CANCEL) as penstock:
        job_id = stuck(echo, "operators/cancel.txt")
        cancelled = penstock("cancel", "operators/cancel.txt", "--yes", "--wait")

    assert (cancelled.returncode, cancelled.stderr) == (0, "")
    assert job_id in cancelled.stdout


def test_without_the_right_to_start_the_sweep_it_comes_by_itself(
    echo: Stack, tmp_path: Path
) -> None:
    rights = {resource: actions for resource, actions in CANCEL.items() if resource != "{sweep}"}
    with echo.faults({"fault": "throttle"}), operator(echo, tmp_path, rights) as penstock:
        job_id = stuck(echo, "operators/slowly.txt")
        cancelled = penstock("cancel", job_id, "--yes")
        delivered = echo.wait("operators/slowly.txt", job_id)

    assert cancelled.returncode == 0
    assert "sweep_jobs could not be started" in cancelled.stderr
    assert delivered.manifest["status"] == "CANCELLED"


def test_without_the_right_to_write_nothing_is_cancelled(echo: Stack, tmp_path: Path) -> None:
    with echo.faults({"fault": "throttle"}), operator(echo, tmp_path, READ_JOBS) as penstock:
        job_id = stuck(echo, "operators/denied.txt")
        cancelled = penstock("cancel", job_id, "--yes")
        status = penstock("status", job_id)

    assert cancelled.returncode == 1
    assert "AccessDenied" in cancelled.stderr
    assert "RUNNING" in status.stdout


def test_a_partial_output_is_read(echo: Stack, tmp_path: Path) -> None:
    body = b"".join(b"%d\n" % number for number in range(400))  # a minute, at the least
    with (
        echo.faults({"fault": "slow_model", "seconds": 0.5}),
        operator(echo, tmp_path, PARTIAL) as penstock,
    ):
        job_id = echo.drop("operators/partial.txt", body)
        stdout = eventually(lambda: penstock("results", job_id, "--partial").stdout or None, SLOWLY)
        developer("cancel", job_id, "--yes")

    echo.wait("operators/partial.txt", job_id, SLOWLY)
    assert echo.output("operators/partial.txt.out").decode().startswith(stdout)


def test_dead_letters_are_shown_and_sent_back(echo: Stack, tmp_path: Path) -> None:
    message = ChunkMessage("f" * 20, 0, 0, start=0, end=4, records=2, first_record=0, chunks=1)
    with letters_are_left_alone(echo):
        bury(echo, "invoke_queue_url", message.to_json())
        with operator(echo, tmp_path, DLQ) as penstock:
            shown = penstock("dlq", "invoke", "--json")
            refused = penstock("dlq", "invoke", "--redrive", "--limit", "1")
        assert refused.returncode == 1
        with operator(echo, tmp_path, REDRIVE) as penstock:
            sent_back = eventually(lambda: moved(penstock))

    assert json.loads(shown.stdout)["letters"][0]["job_id"] == "f" * 20
    assert sent_back == 1


def moved(penstock: Run) -> int | None:
    """None while the letter is invisible: the attempt that was refused had received it."""
    answer = penstock("dlq", "invoke", "--redrive", "--limit", "9", "--json")
    assert answer.returncode == 0, answer.stderr
    count: int = json.loads(answer.stdout)["moved"]
    return count or None
