"""A local SageMaker of one's own."""

import http.client
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.contract.sagemaker.target import CREDENTIALS, ON_AWS, REGION, client, eventually

# Tests make more jobs, and ask for them more often, than an account may.
UNHURRIED = [
    *("--limit", "create_transform_jobs_per_second=1000"),
    *("--limit", "describe_transform_jobs_per_second=1000"),
    *("--limit", "list_transform_jobs_per_second=1000"),
    *("--limit", "transform_instances=20"),
]


@contextmanager
def running_server(state: Path, aws_url: str | None, *options: str) -> Iterator["Server"]:
    server = start_server(state, aws_url, *options)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(10)


def start_server(state: Path, aws_url: str | None, *options: str) -> "Server":
    if ON_AWS or aws_url is None:
        pytest.skip("starts a local SageMaker of its own")
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
