"""Trouble on purpose, while a job runs: what dies, what hangs, what is throttled or lost."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from penstock.domain.job import JobStatus
from penstock_local.description import json_key
from tests.e2e.conftest import LAYOUT, STATE
from tests.e2e.harness import Stack

QUEUES = {
    "AcceptUpload": "upload_queue_url",
    "SplitInput": "split_queue_url",
    "InvokeModel": "invoke_queue_url",
    "StartTransform": "transform_queue_url",
    "CollectResult": "result_queue_url",
    "AssembleOutput": "assemble_queue_url",
}
"""Function -> the output of the stack that has the address of its queue."""

VISIBILITY = 10
"""Seconds until the messages of a killed function come back; on AWS six times its timeout."""

TIMEOUT = 10
"""Seconds of functions that call SageMaker, so that they don't outlive a call that hangs; minutes
on AWS."""

WINDOW = "1"
"""Seconds that a chunk waits for others to share a transform job with; a minute on AWS."""

SWEEP_EVERY = 5.0


def workers(echo: Stack, function: str) -> list[int]:
    """Ids of the emulator's processes that run a function's code."""
    marker = f"ministack-lambda-{echo.document['stack_name']}-{function}".encode()
    return [process for process in _our_processes() if marker in _read(process, "cmdline")]


def _our_processes() -> list[int]:
    state = f"{STATE}/".encode()
    numbers = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [number for number in numbers if state in _read(number, "environ")]


def _read(process: int, name: str) -> bytes:
    try:
        return (Path("/proc") / str(process) / name).read_bytes()
    except OSError:
        return b""  # it has ended, or is not ours to look at


def kill(processes: list[int]) -> list[int]:
    """Those that were still there."""
    killed = []
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed.append(process)
    return killed


def timeouts() -> int:
    """How often the emulator has ended a function that took too long, since the stack is up."""
    log = LAYOUT.log("ministack")
    return log.read_text(errors="replace").count("killing worker")


@contextmanager
def short_visibility(echo: Stack, queue: str, seconds: int) -> Iterator[None]:
    """Minutes pass on AWS until the messages of a killed function come back; not here.

    They come back as often as it takes: ten kills must not make a dead letter of one.
    """
    url = echo.document[queue]
    names = ["VisibilityTimeout", "RedrivePolicy"]
    known = echo.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    patient = known["RedrivePolicy"].replace('"maxReceiveCount": 10', '"maxReceiveCount": 1000')
    lowered = {"VisibilityTimeout": str(seconds), "RedrivePolicy": patient}
    echo.sqs.set_queue_attributes(QueueUrl=url, Attributes=lowered)
    try:
        yield
    finally:
        echo.sqs.set_queue_attributes(QueueUrl=url, Attributes=known)


@contextmanager
def in_a_hurry(echo: Stack, function: str, seconds: int) -> Iterator[None]:
    """Chunks for transform jobs don't wait for others as long as they usually do, either."""
    functions, name = echo.functions, _name(echo, function)
    found = functions.get_function_configuration(FunctionName=name)
    known = {"Timeout": found["Timeout"], "Environment": {**found["Environment"]}}
    variables = {**known["Environment"]["Variables"], "TRANSFORM_WINDOW": WINDOW}
    short = {"Timeout": seconds, "Environment": {"Variables": variables}}
    functions.update_function_configuration(FunctionName=name, **short)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, **known)


def _name(echo: Stack, function: str) -> str:
    return echo.document[json_key(f"{function}Function")]


@contextmanager
def impatience(echo: Stack) -> Iterator[None]:
    """What takes minutes on AWS takes seconds: until a message comes back, until a timeout."""
    with ExitStack() as changes:
        for queue in QUEUES.values():
            changes.enter_context(short_visibility(echo, queue, VISIBILITY))
        for function in ("InvokeModel", "StartTransform"):
            changes.enter_context(in_a_hurry(echo, function, TIMEOUT))
        yield


class Weather:
    """Faults of the local SageMaker, and how often each kind has struck."""

    def __init__(self, echo: Stack, *rules: dict[str, Any]) -> None:
        self.struck: Counter[str] = Counter()
        self._echo, self._rules, self._turns = echo, rules, 0

    def worsen(self, *rules: dict[str, Any]) -> bool:
        """These come first, as often as they say; then what is left of earlier ones."""
        left = self._count()
        self._put(*rules, *left, *self._rules)
        return True

    def __enter__(self) -> Self:
        self._put(*self._rules)
        return self

    def __exit__(self, *_: object) -> None:
        self._count()
        self._put()

    def _count(self) -> list[dict[str, Any]]:
        """The rules that are to strike a number of times, and have not yet."""
        left = []
        for rule in self._echo.local_sagemaker("GET", "/_local/faults"):
            struck = rule.pop("struck")
            self.struck[rule["fault"]] += struck
            if rule["times"] and rule["times"] > struck:
                left.append({**rule, "times": rule["times"] - struck})
        return left

    def _put(self, *rules: dict[str, Any]) -> None:
        self._turns += 1
        path = f"/_local/faults?seed={self._turns}"
        self._echo.local_sagemaker("PUT", path, list(rules))


def in_work(echo: Stack, queue: str) -> int:
    """Messages that were received and not deleted yet."""
    name = "ApproximateNumberOfMessagesNotVisible"
    found = echo.sqs.get_queue_attributes(QueueUrl=echo.document[queue], AttributeNames=[name])
    return int(found["Attributes"][name])


class HurriedSweep:
    """Has the sweep look at a job every few seconds, instead of every minute."""

    def __init__(self, echo: Stack) -> None:
        self._echo, self._pool, self._last = echo, ThreadPoolExecutor(1), 0.0
        self._run: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def has_ended(self, job_id: str) -> bool | None:
        """None while the job runs, for `eventually`; it is looked at meanwhile."""
        status = self._echo.job_status(job_id)
        if status:
            self.come(job_id)
        return True if status and JobStatus(status).terminal else None

    def come(self, job_id: str) -> None:
        """Raises what went wrong the last time."""
        if self._run and self._run.done():
            self._run, self._last = self._run.result(), time.monotonic()
        if not self._run and time.monotonic() >= self._last + SWEEP_EVERY:
            self._run = self._pool.submit(self._sweep, job_id)

    def _sweep(self, job_id: str) -> None:
        self._echo.put_back({"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}, "sweep_at")
        self._echo.functions.invoke(FunctionName=_name(self._echo, "SweepJobs"), Payload=b"{}")
