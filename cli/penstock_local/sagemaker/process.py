"""One running model server: a process, started as SageMaker starts a container."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from penstock_local.sagemaker.lifeline import Lifeline, guarded_command

_INHERITED = ("HOME", "LANG", "LC_ALL", "TMPDIR", "USER")
_SAFE_PORTS = 100


@dataclass(frozen=True)
class Launch:
    """What to start. `environment` is the container's; `added` is SageMaker's and prevails."""

    image_folder: Path
    environment: dict[str, str]
    added: dict[str, str]
    region: str
    log_file: Path


class ServerProcess:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        return await self._process.wait()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def stop(self, grace_seconds: float) -> None:
        """SIGTERM, and SIGKILL when the grace is over, as SageMaker does after 30 seconds."""
        self._signal(signal.SIGTERM)
        # Not wait_for: in Python 3.11 it forgets a cancellation that comes as the process ends, and
        # whoever supervises the process would start it again for ever.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._process.wait()
        # In any case, for children that stayed behind and for the watcher.
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


async def start(launch: Launch, lifeline: Lifeline) -> ServerProcess:
    """Raises OSError if the program can't be started."""
    port = _free_port()
    with launch.log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *guarded_command(str(launch.image_folder / "serve")),
            stdin=lifeline.read_end,
            stdout=log,
            stderr=log,
            cwd=launch.image_folder,
            env=container_environment(launch, port),
            start_new_session=True,
        )
    return ServerProcess(process, port)


def container_environment(launch: Launch, port: int) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # The interpreter that runs this server comes first, so that `#!/usr/bin/env python3` finds the
    # packages of the environment that the local stack was installed in.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        **inherited,
        "PATH": path,
        "AWS_REGION": launch.region,
        "AWS_DEFAULT_REGION": launch.region,
        **launch.environment,
        **launch.added,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_SAFE_PORT_RANGE": _safe_range(port),
    }


def _safe_range(port: int) -> str:
    low = port + 1 if port + _SAFE_PORTS < 2**16 else port - _SAFE_PORTS
    return f"{low}-{low + _SAFE_PORTS - 1}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
