"""`sam build` and `sam deploy`, the real ones, against the local stack."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock_local import aws, environments, locks, services
from penstock_local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock_local.layout import Layout

ARTIFACT_BUCKET = "penstock-artifacts"
SOURCE_FOLDERS = ("functions", "layers")
KEPT_BUILDS = 3
NOT_SOURCE = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


@dataclass(frozen=True)
class StackAt:
    """Where a stack goes, and with which parameters."""

    name: str
    endpoint_url: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Sam:
    layout: Layout
    template: Path
    python_version: str  # of the interpreter that runs the Lambdas

    def built_template(self, fingerprint: str) -> Path:
        """Exists only if the build is complete."""
        return self.layout.builds / fingerprint[:16] / "template.yaml"

    def platform_parameters(self) -> dict[str, str]:
        return {"PythonRuntime": f"python{self.python_version}", "Architecture": architecture()}

    def source_fingerprint(self) -> str:
        """Changes with anything that `sam build` reads."""
        folder = self.template.parent
        folders = [folder / name for name in SOURCE_FOLDERS]
        parameters = sorted(self.platform_parameters().items())
        return fingerprint([self.template, *source_files(folders)], str(parameters))

    def build(self, fingerprint: str) -> None:
        """Every state folder of the project uses the same builds: one at a time makes one."""
        work = self.layout.builds / "work"
        with locks.held(self.layout.builds / "lock"):
            if self.built_template(fingerprint).is_file():
                return  # somebody else has made it meanwhile
            self._build_in(work)
            compile_layers(work / "build", environments.environments(self.layout.root)["ministack"])
            target = self.built_template(fingerprint).parent
            shutil.rmtree(target, ignore_errors=True)
            (work / "build").rename(target)
            remove_oldest(self.layout.builds)

    def _build_in(self, work: Path) -> None:
        folders = ["--build-dir", str(work / "build"), "--cache-dir", str(work / "cache")]
        options = ["--template-file", str(self.template), "--cached", *folders]
        self._run("build", [*options, *parameter_options(self.platform_parameters())], "")

    def deploy(self, built_template: Path, stack: StackAt) -> None:
        options = ["--template-file", str(built_template), "--stack-name", stack.name]
        options += ["--s3-bucket", ARTIFACT_BUCKET, "--capabilities", "CAPABILITY_IAM"]
        options += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
        # A stack whose creation failed can't be updated: the next deployment must find none.
        options += ["--on-failure", "DELETE", "--region", aws.REGION]
        everything = {**self.platform_parameters(), **stack.parameters}
        self._run("deploy", [*options, *parameter_options(everything)], stack.endpoint_url)

    def _run(self, verb: str, options: Sequence[str], endpoint_url: str) -> None:
        log = self.layout.log(f"sam-{verb}")
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [self._program(), verb, *options, "--config-file", str(self._no_settings())]
        with log.open("w") as output:
            done = subprocess.run(  # noqa: S603 - the command is ours
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(endpoint_url),
                cwd=self.layout.builds,  # sam keeps downloaded packages in .aws-sam/ there
            )
        if done.returncode:
            raise LocalStackError(f"sam {verb} failed\n{services.tail(log, lines=40)}")

    def _program(self) -> str:
        return str(environments.environments(self.layout.root)["sam"].path / "bin" / "sam")

    def _no_settings(self) -> Path:
        """Shields from the samconfig.toml meant for AWS."""
        empty = self.layout.sam / "samconfig.toml"
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.write_text("version = 0.1\n")
        return empty

    def _environment(self, endpoint_url: str) -> dict[str, str]:
        inherited = aws.environment(endpoint_url)
        interpreter = environments.environments(self.layout.root)["ministack"].path / "bin"
        return {
            **inherited,
            # sam looks here for the runtime's interpreter, whose pip it runs.
            "PATH": f"{interpreter}:{inherited.get('PATH', '')}",
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.5",  # seconds; five by default
            "__SAM_CLI_APP_DIR": str(self.layout.sam / "app"),
        }


def compile_layers(build: Path, interpreter: environments.Environment) -> None:
    """Once, for all processes. File times mean nothing after unzipping, so hashes must do."""
    mode = ["-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    layers = [str(path) for path in build.glob("*Layer*")]
    command = [str(interpreter.python), "-m", "compileall", *mode, *layers]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - only a speed-up


def remove_oldest(builds: Path) -> None:
    complete = [path.parent for path in builds.glob("*/template.yaml")]
    complete.sort(key=lambda folder: folder.stat().st_mtime)
    for folder in complete[:-KEPT_BUILDS]:
        shutil.rmtree(folder, ignore_errors=True)


def architecture() -> str:
    """This machine's, in Lambda's words."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def parameter_options(parameters: Mapping[str, str]) -> list[str]:
    if not parameters:
        return []
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]


def source_files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not NOT_SOURCE.intersection(path.parts):
                yield path


def fingerprint(files: Iterable[Path], *facts: str) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for fact in facts:
        digest.update(f"{fact}\0".encode())
    return digest.hexdigest()
