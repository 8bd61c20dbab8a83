"""The two programs behind the local stack: MiniStack and the local SageMaker."""

from __future__ import annotations

import http.client
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock_local import aws, environments, processes
from penstock_local.emulator import PERMISSIONS_FILE
from penstock_local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock_local.layout import Layout

EMULATOR = Path(__file__).with_name("emulator.py")
STARTUP_SECONDS = 30.0
MODEL_STOP_SECONDS = 3  # below processes.GRACE_SECONDS, so that SageMaker stops its model servers


@dataclass(frozen=True)
class Service:
    name: str  # of its log and its process file
    url: str


def free_port() -> int:
    with socket.socket() as unbound:
        unbound.bind((aws.LOOPBACK, 0))
        port: int = unbound.getsockname()[1]
        return port


def start_ministack(layout: Layout, *, records_permissions: bool = False) -> Service:
    service = Service("ministack", f"http://{aws.LOOPBACK}:{free_port()}")
    python = environments.environments(layout.root)["ministack"].python
    layout.temporary.mkdir(parents=True, exist_ok=True)
    # -P: this folder isn't importable there, lest a module of ours hide one of its own.
    command = [str(python), "-P", str(EMULATOR)]
    environment = ministack_environment(layout, service.url)
    if records_permissions:
        environment[PERMISSIONS_FILE] = str(layout.permissions)
    _start(layout, service.name, command, environment)
    _await(layout, service.name, lambda: answers(f"{service.url}/_ministack/health"))
    return service


def ministack_environment(layout: Layout, url: str) -> dict[str, str]:
    """Complete, nothing is inherited: MiniStack hands its environment on to the Lambdas."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(layout.temporary),
        "TMPDIR": str(layout.temporary),
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
        "AUTH": "true",  # evaluate IAM policies
        "BIND_HOST": aws.LOOPBACK,
        "IOT_MTLS_ENABLED": "0",  # it would listen on all interfaces
        "GATEWAY_PORT": str(urlsplit(url).port),
        "MINISTACK_REGION": aws.REGION,
        "AWS_ACCESS_KEY_ID": aws.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": aws.SECRET_ACCESS_KEY,
    }


def start_sagemaker(layout: Layout, aws_url: str) -> Service:
    layout.sagemaker_port.unlink(missing_ok=True)
    state = layout.state_dir / "sagemaker"
    options = ["--port", "0", "--port-file", str(layout.sagemaker_port)]
    options += ["--aws-endpoint-url", aws_url, "--state-dir", str(state)]
    options += ["--stop-seconds", str(MODEL_STOP_SECONDS)]
    command = [sys.executable, "-m", "penstock_local.sagemaker", *options]
    _start(layout, "sagemaker", command, aws.environment(aws_url))
    _await(layout, "sagemaker", lambda: sagemaker_service(layout) is not None)
    return Service("sagemaker", sagemaker_url(layout))


def ministack_service(layout: Layout, url: str) -> Service | None:
    return _service(layout, "ministack", url, "/_ministack/health")


def sagemaker_service(layout: Layout) -> Service | None:
    """None unless it runs and answers."""
    return _service(layout, "sagemaker", sagemaker_url(layout), "/")


def sagemaker_url(layout: Layout) -> str:
    try:
        return f"http://{layout.sagemaker_port.read_text().strip()}"
    except OSError:
        return ""  # not up yet


def stop(layout: Layout, name: str) -> bool:
    """Whether there was something to stop."""
    path = layout.program(name)
    program = processes.Program.load(path)
    was_running = program is not None and processes.is_running(program)
    if program:
        processes.stop(program)
    path.unlink(missing_ok=True)
    return was_running


def answers(url: str) -> bool:
    """Whether an HTTP server answers there, whatever its answer. Proxies are not asked."""
    address = urlsplit(url)
    if not address.port:
        return False
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request("GET", address.path or "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _service(layout: Layout, name: str, url: str, health: str) -> Service | None:
    program = processes.Program.load(layout.program(name))
    if program and processes.is_running(program) and answers(f"{url}{health}"):
        return Service(name, url)
    return None


def _start(layout: Layout, name: str, command: list[str], environment: dict[str, str]) -> None:
    layout.log(name).unlink(missing_ok=True)
    processes.start(command, layout.log(name), environment).save(layout.program(name))


def _await(layout: Layout, name: str, is_ready: Callable[[], bool]) -> None:
    program = processes.Program.load(layout.program(name))

    def is_settled() -> bool:
        return is_ready() or program is None or not processes.is_running(program)

    if not processes.wait_until(is_settled, STARTUP_SECONDS) or not is_ready():
        raise LocalStackError(f"{name} didn't start\n{tail(layout.log(name))}")


def tail(log: Path, lines: int = 15) -> str:
    """The log's last lines, under its path."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([f"from {log}:", *text.splitlines()[-lines:]])
