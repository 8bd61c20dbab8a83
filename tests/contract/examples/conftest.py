import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.digits.train import train

ROOT = Path(__file__).parents[3]
LONGEST_START = 30  # seconds; usually it takes two


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Server:
    """A model server as SageMaker starts it: a process that runs `serve`."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> Answer:
        return self._request("GET", path, None, {})

    def invoke(self, body: bytes, content_type: str = "text/csv", **headers: str) -> Answer:
        return self._request("POST", "/invocations", body, {"Content-Type": content_type} | headers)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read().decode())

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + LONGEST_START
        while not self._is_healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def _is_healthy(self) -> bool:
        try:
            return self.get("/ping").status == 200
        except ConnectionError:
            return False


@contextlib.contextmanager
def serving(example: str, folder: Path, **environment: str) -> Iterator[Server]:
    """`SAGEMAKER_BIND_TO_PORT` is chosen here; the server is stopped at the end."""
    port, log = free_port(), folder / f"{example}.log"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": path, "SAGEMAKER_BIND_TO_PORT": str(port)} | environment
    command = ROOT / "examples" / example / "image" / "serve"
    with log.open("w") as stderr:
        process = subprocess.Popen([command], env=variables, cwd=folder, stderr=stderr)  # noqa: S603
    try:
        server = Server(process, port, log)
        server.wait_until_healthy()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def start_server():
    return serving


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits-model")
    train(folder)
    return folder


@pytest.fixture(scope="module")
def digits(model_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    limits = {"MODEL_MAX_REQUEST_BYTES": "1000000", "MODEL_OUTPUT": "label"}
    with serving("digits", folder, SM_MODEL_DIR=str(model_dir), **limits) as server:
        yield server
