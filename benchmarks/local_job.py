"""A local stack of a benchmark's own, an endpoint in it, and jobs through it."""

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.local_endpoint import Endpoint, client, create_endpoint
from penstock.domain.identity import job_id_of
from penstock_local import stack
from penstock_local.layout import PROJECT_ROOT, Layout
from penstock_local.services import free_port

ECHO_IMAGE = PROJECT_ROOT / "examples" / "echo" / "image"
DIGITS_IMAGE = PROJECT_ROOT / "examples" / "digits" / "image"
PATIENCE = 900.0

Local = Mapping[str, str]
"""The contents of local.json."""


@dataclass(frozen=True)
class Drop:
    """A file for a pipeline."""

    key: str
    body: bytes


@contextmanager
def local_stack(**parameters: str) -> Iterator[Local]:
    """`parameters` are the template's."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        layout = Layout(PROJECT_ROOT, Path(folder))
        try:
            yield stack.up(stack.Wanted(layout, parameters=tuple(parameters.items())), say)
        finally:
            stack.down(layout, say)


def say(text: str) -> None:
    print(f"   {text}", flush=True)


def serve_endpoint(local: Local, image: Path, environment: Mapping[str, str]) -> None:
    create_endpoint(local, Endpoint(local["endpoint_name"], image, environment))


def run_job(local: Local, drop: Drop) -> dict[str, Any]:
    """The manifest of a job that has been announced."""
    answer = client(local, "s3").put_object(
        Bucket=local["input_bucket"], Key=drop.key, Body=drop.body
    )
    job_id = job_id_of(local["input_bucket"], drop.key, answer["VersionId"])
    wait_for(lambda: _is_announced(local, job_id), f"the end of job {job_id}")
    return dict(json.loads(read_output(local, f"{drop.key}.manifest.json")))


def configure(local: Local, prefix: str, pipeline: str) -> None:
    key = f"{prefix}/_pipeline.yaml"
    client(local, "s3").put_object(Bucket=local["input_bucket"], Key=key, Body=pipeline.encode())


def read_output(local: Local, key: str) -> bytes:
    answer = client(local, "s3").get_object(Bucket=local["output_bucket"], Key=key)
    return bytes(answer["Body"].read())


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {PATIENCE:.0f} s")
        time.sleep(0.2)


def _is_announced(local: Local, job_id: str) -> bool:
    key = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}
    found = client(local, "dynamodb").get_item(TableName=local["table"], Key=key).get("Item", {})
    return bool(found.get("notified", {}).get("BOOL"))


@contextmanager
def model_server(image: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of the model alone, as a container has it: `/ping` and `/invocations`."""
    port = free_port()
    ours = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_BIND_TO_HOST": "127.0.0.1"}
    path = f"{PROJECT_ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    server = subprocess.Popen(
        [image / "serve"],
        env={**os.environ, "PATH": path, **ours, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _answers(f"{url}/ping"), "the model server")
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310  our own server
            return bool(reply.status == 200)  # noqa: PLR2004
    except OSError:
        return False
