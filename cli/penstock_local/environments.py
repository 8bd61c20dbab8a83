"""The project's Python environments: create, install, and know when there is nothing to do.

`make install` runs this file before anything is installed, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OLDEST_PYTHON = (3, 11)
STAMP = "installed.sha256"


class InstallError(Exception):
    """An environment can't be created; the message has pip's last lines."""


@dataclass(frozen=True)
class Environment:
    name: str
    path: Path
    requirements: Path
    project: Path | None = None  # installed in editable mode too

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def log(self) -> Path:
        return self.path / "install.log"


def environments(root: Path) -> dict[str, Environment]:
    venvs = root / ".penstock" / "venvs"
    pins = root / "requirements"
    return {
        "dev": Environment("dev", root / ".venv", pins / "dev.txt", project=root),
        # Both pin a botocore of their own, so neither can share an environment.
        "sam": Environment("sam", venvs / "sam", pins / "sam.txt"),
        "ministack": Environment("ministack", venvs / "ministack", pins / "ministack.txt"),
    }


def install(root: Path, names: Iterable[str], report: Callable[[str], None]) -> None:
    """Make the named environments complete. Raises InstallError."""
    known = environments(root)
    for name in names:
        if not is_installed(known[name]):
            _install(known[name], report)


def is_installed(environment: Environment) -> bool:
    stamp = environment.path / STAMP
    return _works(environment) and stamp.is_file() and stamp.read_text() == _digest(environment)


def python_version(environment: Environment) -> str:
    """The environment's interpreter as `3.12`."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(  # noqa: S603 - our own interpreter
        [environment.python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def _install(environment: Environment, report: Callable[[str], None]) -> None:
    began = time.monotonic()
    report(f"{environment.name} environment: installing (once; can take a minute or two)")
    if not _works(environment):
        _create(environment)
    # A lock file is complete: without the resolver pip is faster, and accepts extras with hashes.
    _pip(environment, "--no-deps", "--require-hashes", "-r", str(environment.requirements))
    if environment.project:
        _pip(environment, "--no-deps", "-e", str(environment.project))
    (environment.path / STAMP).write_text(_digest(environment))
    report(f"{environment.name} environment: installed in {time.monotonic() - began:.0f} s")


def _create(environment: Environment) -> None:
    shutil.rmtree(environment.path, ignore_errors=True)
    environment.path.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(environment.path)], environment.name, None)


def _pip(environment: Environment, *arguments: str) -> None:
    command = [str(environment.python), "-m", "pip", "install", "--quiet", *arguments]
    _run([*command, "--disable-pip-version-check"], environment.name, environment.log)


def _run(command: list[str], name: str, log: Path | None) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if log:
        log.write_text(done.stdout + done.stderr)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise InstallError(f"can't install the {name} environment: {' '.join(command)}\n{last}")


def _works(environment: Environment) -> bool:
    """False for an absent environment, and for one whose base interpreter was removed."""
    if not environment.python.exists():
        return False
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return not subprocess.run(  # noqa: S603 - our own interpreter
        [environment.python, "-c", check], check=False, capture_output=True
    ).returncode


def _digest(environment: Environment) -> str:
    digest = hashlib.sha256(environment.requirements.read_bytes())
    if environment.project:
        digest.update((environment.project / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(names: list[str]) -> int:
    if sys.version_info < OLDEST_PYTHON:
        sys.stderr.write("Python 3.11 or newer is needed\n")
        return 1
    root = Path(__file__).resolve().parents[2]
    os.environ.pop("PYTHONPATH", None)  # would leak other packages into the environments
    try:
        install(root, names, _to_stderr)
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
