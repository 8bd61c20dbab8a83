"""Trouble on purpose, while a job runs: what dies, what hangs, what is throttled or lost.

The blows come from a deck that is shuffled by a seed, and all of them are dealt. When one falls,
and which process it hits, is the machine's affair: the outcome must not depend on it.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError

from penstock_local.description import json_key
from penstock_local.layout import PROJECT_ROOT, Layout
from tests.e2e.conftest import STATE
from tests.e2e.harness import Stack

QUEUES = {
    "AcceptUpload": "upload_queue_url",
    "SplitInput": "split_queue_url",
    "InvokeModel": "invoke_queue_url",
    "CollectResult": "result_queue_url",
    "AssembleOutput": "assemble_queue_url",
}
"""Function -> the output of the stack that has the address of its queue."""

VISIBILITY = 10
"""Seconds until the messages of a killed function come back; on AWS six times its timeout."""

TIMEOUT = 10
"""Seconds that invoke_model has, so that it doesn't outlive a call that hangs; minutes on AWS."""

CARDS = (
    ("kill", "AcceptUpload"),
    ("kill", "SplitInput"),
    ("kill", "AssembleOutput"),
    *[("kill", "InvokeModel")] * 6,
    *[("kill", "CollectResult")] * 6,
    *[("kill model server", "")] * 6,
    *[("storm", "")] * 2,
)
RARE = ("AcceptUpload", "SplitInput", "AssembleOutput")
"""Functions that have little to do: they are hit when there is something to hit."""

PAUSES = (3, 10)
"""Calls to the endpoint between two blows, from and to: a slow machine gets no more of them."""

STORM = (
    {"fault": "hang", "times": 1, "seconds": 4 * TIMEOUT},
    {"fault": "lost_answer", "times": 1, "seconds": 4 * TIMEOUT},
    {"fault": "throttle", "times": 15},
)
"""What becomes of the next calls to the endpoint: two outlive their function, others fail."""

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
    log = Layout(PROJECT_ROOT, STATE / ".penstock").log("ministack")
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
def short_timeout(echo: Stack, function: str, seconds: int) -> Iterator[None]:
    functions, name = echo.functions, _name(echo, function)
    known = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=seconds)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=known)


def _name(echo: Stack, function: str) -> str:
    return echo.document[json_key(f"{function}Function")]


@contextmanager
def impatience(echo: Stack) -> Iterator[None]:
    """What takes minutes on AWS takes seconds: until a message comes back, until a timeout."""
    with ExitStack() as changes:
        for queue in QUEUES.values():
            changes.enter_context(short_visibility(echo, queue, VISIBILITY))
        changes.enter_context(short_timeout(echo, "InvokeModel", TIMEOUT))
        yield


class Weather:
    """Faults of the local SageMaker, and how often each kind has struck."""

    def __init__(self, echo: Stack, *rules: dict[str, Any]) -> None:
        self.struck: Counter[str] = Counter()
        self._echo, self._rules, self._turns = echo, rules, 0

    def worsen(self, *rules: dict[str, Any]) -> None:
        """These come first, as often as they say."""
        self._turn(*rules, *self._rules)

    def __enter__(self) -> Self:
        self._turn(*self._rules)
        return self

    def __exit__(self, *_: object) -> None:
        self._turn()

    def _turn(self, *rules: dict[str, Any]) -> None:
        for rule in self._echo.local_sagemaker("GET", "/_local/faults"):
            self.struck[rule["fault"]] += rule["struck"]
        self._turns += 1
        path = f"/_local/faults?seed={self._turns}"
        self._echo.local_sagemaker("PUT", path, list(rules))


@dataclass
class Storm:
    """Deals its cards while it is asked to, one at a time.

    A card is dealt when there is something to hit: a function is hit while its queue has messages
    in work.
    """

    echo: Stack
    endpoint: str
    weather: Weather
    chance: random.Random

    def __post_init__(self) -> None:
        self.deck = list(CARDS)
        self.chance.shuffle(self.deck)
        self._next = float(min(PAUSES))

    def blow(self) -> None:
        calls = self._calls()
        rare = [card for card in self.deck if card[1] in RARE]
        due = self.deck if calls >= self._next else rare
        card = next((card for card in due if self._hits(*card)), None)
        if card:
            self.deck.remove(card)
        if card and card not in rare:
            self._next = calls + self.chance.uniform(*PAUSES)

    def _calls(self) -> int:
        endpoints = self.echo.local_sagemaker("GET", "/_local/stats")["endpoints"]
        return int(endpoints[self.endpoint]["accepted"])

    def _hits(self, what: str, whom: str) -> bool:
        blows: dict[str, Callable[[str], bool]] = {
            "kill": self._kill_worker,
            "kill model server": lambda _: self._kill_model_server(),
            "storm": lambda _: self._storm(),
        }
        return blows[what](whom)

    def _kill_worker(self, function: str) -> bool:
        if not in_work(self.echo, QUEUES[function]):
            return False
        found = sorted(workers(self.echo, function))
        return bool(found and kill([self.chance.choice(found)]))

    def _kill_model_server(self) -> bool:
        try:
            self.echo.local_sagemaker("POST", "/_local/kill", {"endpoint": self.endpoint})
        except HTTPError:
            return False  # none runs
        return True

    def _storm(self) -> bool:
        self.weather.worsen(*({**rule, "endpoint": self.endpoint} for rule in STORM))
        return True


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

    def come(self, job_id: str) -> None:
        """Raises what went wrong the last time."""
        if self._run and self._run.done():
            self._run, self._last = self._run.result(), time.monotonic()
        if not self._run and time.monotonic() >= self._last + SWEEP_EVERY:
            self._run = self._pool.submit(self._sweep, job_id)

    def _sweep(self, job_id: str) -> None:
        self._echo.put_back({"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}, "sweep_at")
        self._echo.functions.invoke(FunctionName=_name(self._echo, "SweepJobs"), Payload=b"{}")
