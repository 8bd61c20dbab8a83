"""Start, deploy and stop the local stack. Nothing here prints: progress goes to `report`."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock_local import aws, description, environments, inspection, locks, sam, services
from penstock_local.errors import LocalStackError
from penstock_local.layout import Layout, project_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Report = Callable[[str], None]

SERVICES = ("sagemaker", "ministack")  # in the order of stopping
STACK_NAME = "penstock"
DEPLOYMENT = "sam deploy"
DEFAULT_ENDPOINT = "demo"
# Every concurrent execution is a process with its own copy of the layers: fifty would thrash here.
# sam drops those that a template doesn't have.
LOCAL_CONCURRENCY = {
    "AcceptConcurrency": "2",
    "SplitConcurrency": "2",
    "InvokeConcurrency": "4",
    "TransformConcurrency": "2",
    "CollectConcurrency": "4",
    "AssembleConcurrency": "2",
}


@dataclass(frozen=True)
class Wanted:
    """What `up` brings about. Every state folder has a stack of its own, on ports of its own."""

    layout: Layout
    endpoint_name: str = DEFAULT_ENDPOINT
    template: Path | None = None  # default: the project's
    parameters: tuple[tuple[str, str], ...] = ()  # more of the template's, for tests
    records_permissions: bool = False  # which ones the functions use; see Layout.permissions

    @property
    def template_file(self) -> Path:
        return self.template or self.layout.root / "template.yaml"


def up(wanted: Wanted, report: Report) -> dict[str, str]:
    """Returns the contents of local.json; what is done already isn't repeated.

    Raises LocalStackError.
    """
    if not wanted.template_file.is_file():
        raise LocalStackError(f"there is no template at {wanted.template_file}")
    with _lock(wanted.layout, report):
        _install(wanted.layout, report)
        urls = _start_services(wanted, report)
        is_new = _deploy(wanted, urls, report)
        document = _describe(wanted, urls)
        description.write(wanted.layout.local_json, document)
        if is_new:
            _warm_up(document)
        return document


def down(layout: Layout, report: Report) -> bool:
    """Stops what `up` started, and only that. Returns whether anything ran."""
    with _lock(layout, report):
        return _clear(layout, report)


def running(layout: Layout) -> dict[str, str] | None:
    """The contents of local.json if the stack it describes answers, else None."""
    document = description.read(layout.local_json)
    if not document:
        return None
    ministack = services.ministack_service(layout, document["aws_endpoint_url"])
    return document if ministack and services.sagemaker_service(layout) else None


@dataclass(frozen=True)
class _Urls:
    ministack: str
    sagemaker: str


def _install(layout: Layout, report: Report) -> None:
    try:
        environments.install(layout.root, ("sam", "ministack"), report)
    except environments.InstallError as error:
        raise LocalStackError(str(error)) from error


def _start_services(wanted: Wanted, report: Report) -> _Urls:
    layout = wanted.layout
    document = description.read(layout.local_json) or {}
    ministack = services.ministack_service(layout, document.get("aws_endpoint_url", ""))
    sagemaker = services.sagemaker_service(layout) if ministack else None
    if ministack and sagemaker:
        report(f"already up at {ministack.url}")
        return _Urls(ministack.url, sagemaker.url)
    if not ministack:
        # Its state was in its memory: whatever else is left describes a stack that is gone.
        _clear(layout, report)
        with _timed("MiniStack", report):
            ministack = services.start_ministack(
                layout, records_permissions=wanted.records_permissions
            )
    services.stop(layout, "sagemaker")
    with _timed("local SageMaker", report):
        sagemaker = services.start_sagemaker(layout, ministack.url)
    return _Urls(ministack.url, sagemaker.url)


def _deploy(wanted: Wanted, urls: _Urls, report: Report) -> bool:
    """Whether there was anything to deploy."""
    tool = _tool(wanted)
    source = tool.source_fingerprint()
    if tool.built_template(source).is_file():
        report("sam build: nothing changed")
    else:
        with _timed("sam build", report):
            tool.build(source)
    target = sam.StackAt(STACK_NAME, urls.ministack, stack_parameters(wanted, urls.sagemaker))
    goal = sam.fingerprint([], source, repr(target))
    with _once(wanted.layout, DEPLOYMENT, goal, report) as due:
        if due:
            _make_artifact_bucket(urls.ministack)
            tool.deploy(tool.built_template(source), target)
        return due


def _tool(wanted: Wanted) -> sam.Sam:
    interpreter = environments.environments(wanted.layout.root)["ministack"]
    version = environments.python_version(interpreter)
    return sam.Sam(wanted.layout, wanted.template_file.resolve(), version)


def stack_parameters(wanted: Wanted, sagemaker_url: str) -> dict[str, str]:
    return {
        "SageMakerRuntimeEndpointUrl": sagemaker_url,
        "EndpointName": wanted.endpoint_name,
        "EndpointNamePattern": "*",  # any that is created on the local SageMaker
        "ModelNamePattern": "*",
        "TransformWindowSeconds": "2",  # a transform job starts at once here, not in minutes
        **LOCAL_CONCURRENCY,
        **dict(wanted.parameters),
    }


def _describe(wanted: Wanted, urls: _Urls) -> dict[str, str]:
    cloudformation = aws.client("cloudformation", urls.ministack)
    stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    return description.Description(
        aws_endpoint_url=urls.ministack,
        sagemaker_endpoint_url=urls.sagemaker,
        stack_name=STACK_NAME,
        endpoint_name=wanted.endpoint_name,
        outputs=outputs,
    ).to_json()


def _warm_up(document: dict[str, str]) -> None:
    """Start a process of each function, without waiting: the first file is done sooner."""
    client = aws.client("lambda", document["aws_endpoint_url"])
    for function in inspection.functions(document):
        name, nothing = function.physical_name, b'{"Records": []}'
        client.invoke(FunctionName=name, InvocationType="Event", Payload=nothing)


def _make_artifact_bucket(endpoint_url: str) -> None:
    aws.client("s3", endpoint_url).create_bucket(Bucket=sam.ARTIFACT_BUCKET)


def _clear(layout: Layout, report: Report) -> bool:
    stopped = [name for name in SERVICES if services.stop(layout, name)]
    for name in stopped:
        report(f"stopped {name}")
    layout.local_json.unlink(missing_ok=True)
    layout.stamp(DEPLOYMENT).unlink(missing_ok=True)
    shutil.rmtree(layout.temporary, ignore_errors=True)
    shutil.rmtree(layout.state_dir / "sagemaker", ignore_errors=True)
    return bool(stopped)


@contextmanager
def _once(layout: Layout, step: str, target: str, report: Report) -> Iterator[bool]:
    """Yields whether the step must run; remembers the target only if it ended well."""
    stamp = layout.stamp(step)
    is_due = not stamp.is_file() or stamp.read_text() != target
    if not is_due:
        report(f"{step}: nothing changed")
        yield False
        return
    stamp.unlink(missing_ok=True)
    with _timed(step, report):
        yield True
    stamp.write_text(target)


@contextmanager
def _timed(label: str, report: Report) -> Iterator[None]:
    began = time.monotonic()
    yield
    report(f"{label}: {time.monotonic() - began:.1f} s")


def _lock(layout: Layout, report: Report) -> AbstractContextManager[None]:
    """One command at a time for one state folder."""
    return locks.held(layout.lock, lambda: report("waiting for another `penstock local` command"))


__all__ = ["Layout", "Wanted", "down", "project_layout", "running", "up"]
