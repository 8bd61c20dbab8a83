"""Background programs that outlive the command that started them, and are only ever stopped by us.

A program is known by its id *and* its start time: ids are used again, and what isn't ours is never
signalled.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GRACE_SECONDS = 5.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Program:
    pid: int
    started: str  # as the operating system writes it

    @classmethod
    def load(cls, path: Path) -> Program | None:
        """None if the file is absent or half written."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)))


def start(command: list[str], log: Path, environment: Mapping[str, str]) -> Program:
    """Start in a session of its own, input from /dev/null, output appended to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(  # a Popen would warn when it's collected while the program runs
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), appending, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return Program(pid, start_time(pid) or "")


def is_running(program: Program) -> bool:
    with contextlib.suppress(ChildProcessError):  # not our child: another command started it
        os.waitpid(program.pid, os.WNOHANG)
    return bool(program.started) and start_time(program.pid) == program.started


def stop(program: Program) -> None:
    """Ask, wait, insist. Insisting reaches the program's children too: they share its session."""
    if not is_running(program):
        return
    os.kill(program.pid, signal.SIGTERM)
    if not wait_until(lambda: not is_running(program), GRACE_SECONDS):
        os.killpg(program.pid, signal.SIGKILL)
        wait_until(lambda: not is_running(program), GRACE_SECONDS)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def start_time(pid: int) -> str | None:
    """None for a process that is gone, or is a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            return parse_stat(stat.read_text())
        except OSError:
            return None
    return _start_time_from_ps(pid)


def parse_stat(line: str) -> str | None:
    """Field 22 of /proc/<pid>/stat. The name, field 2, may itself have spaces and parentheses."""
    fields = line.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state == "Z" else started


def _start_time_from_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    state, _, started = answer.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
