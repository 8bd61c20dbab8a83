"""The world under a seeded scheduler: disorder, duplicates, delays, and faults at every port call.

Everything runs in one thread. Two functions at a time are played by delivering a second message in
the middle of the first one's port calls.
"""

import hashlib
import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from penstock.domain.chunk import ChunkState
from penstock.domain.errors import PenstockError, RetryableError
from penstock.domain.identity import ChunkPath
from penstock.domain.job import JobStatus, Stop
from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import InvocationError, Trouble
from penstock.domain.trouble import Kind as TroubleKind
from penstock.ports import AsyncTicket, SyncAnswer, SyncRequest
from penstock.use_cases.fail_job import stop_job
from tests.simulation.endpoint import Endpoint
from tests.simulation.oracle import header_of
from tests.simulation.scenario import Scenario
from tests.unit.use_cases.world import MAXIMUM_RECEIVES, Due, Killed, Request, World, unwrapped

VISIBILITY = {
    "upload": 360,
    "split": 1800,
    "invoke": 720,
    "transform": 720,
    "results": 360,
    "assemble": 3600,
}
"""Seconds until a message comes back whose function died: template.yaml."""

NOTIFICATIONS_ARE_LOST = True
"""May be turned off: the sweep finds them."""

SWEEP_EVERY = 600.0
"""Seconds; not every minute, so that hours of waiting cost a seed little."""

SOON = 5.0
_INVOKING = ("invoke", "transform", "results")
MOST_DELIVERIES = 20_000
MOST_SWEEPS = 2000

Handler = Callable[[dict[str, Any]], None]
Plant = Callable[[str, Any], Any]


@dataclass
class Process:
    """One function at work on one message; `stopped` is whether the job was when it began."""

    due: Due
    dead: bool = False
    stopped: bool = False


@dataclass
class Misfortunes:
    """What has gone wrong so far."""

    kills: int = 0
    failures: int = 0
    lost: int = 0  # notifications
    repeated_invocations: int = 0  # that a fault or a race excuses
    lost_uploads: int = 0  # whose id nobody learned, or whose abortion failed

    @property
    def all(self) -> int:
        return self.kills + self.failures


class SimulatedWorld(World):
    """The same scenario always gives the same `trace`."""

    def __init__(self, scenario: Scenario, plant: Plant = unwrapped) -> None:
        self.scenario, self.faults = scenario, scenario.faults
        self.chance = random.Random(f"schedule {scenario.seed}")
        self.endpoint = Endpoint(scenario, header_of(scenario), self.chance)
        self.trace: list[str] = []
        self.processes: list[Process] = []
        self.suffered = Misfortunes()
        self.hit: dict[int, int] = {}
        self.delivered: list[dict[str, Any]] = []  # kept, so that no two have the same id()
        self.deliveries = 0
        self.announced_early = False
        self.flying, self.most_flying = 0, 0  # invocations whose end is not known here yet
        self.sent_after_stop: list[str] = []
        self.outcomes: defaultdict[str, set[Any]] = defaultdict(set)
        super().__init__(
            self.endpoint.answer,
            pipeline=scenario.pipeline,
            region_bytes=scenario.region_bytes,
            wrap=lambda name, port: SimulatedPort(self, name, plant(name, port)),
            cap=scenario.permits,
        )
        self.model.behaviour = self.endpoint.admit
        self.transforms.behaviour = self.endpoint.admit_transform
        if scenario.transform:
            self.transform_seconds = scenario.transform.seconds
        self.objects.minimum_part = scenario.knobs["MINIMUM_PART"]
        self.handlers["sweep"] = lambda _document: self.sweep_jobs()
        self.handlers["cancel"] = self._cancel
        self.handlers = {
            queue: self._noting(queue, plant(queue, handler))
            for queue, handler in self.handlers.items()
        }

    @property
    def trace_hash(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    @property
    def left(self) -> list[Due]:
        return self._due

    def drop(self, key: str, body: bytes) -> str:
        job_id = super().drop(key, body)
        if self.scenario.cancel_at is not None:
            at = self.clock() + self.scenario.cancel_at
            heapq.heappush(self._due, Due(at, self._place(), "cancel", {"job_id": job_id}))
        return job_id

    def _cancel(self, document: dict[str, Any]) -> None:
        """What the user's command does, to a job that is there."""
        stop = Stop(JobStatus.CANCELLED, "Cancelled", "cancelled by the user", self.clock())
        stop_job(self.table, self.journal, document["job_id"], stop)

    # Messages

    def send(self, queue: str, document: dict[str, Any], delay: float = 0) -> None:
        if queue == "results" and NOTIFICATIONS_ARE_LOST and self._strikes(self.faults.lost):
            self.suffered.lost += 1
            self.note(f"  ! lost {_label(queue, document)}")
            return
        copies = 2 if self._strikes(self.faults.duplicate) and not _goes_round(document) else 1
        for _ in range(copies):
            at = self.clock() + delay + self._lateness(queue)
            heapq.heappush(self._due, Due(at, self._place(), queue, document))

    def _lateness(self, queue: str) -> float:
        latency = self.scenario.moods.latency if queue == "results" else 0.0
        return self.chance.random() * latency + self.chance.random() ** 3 * self.faults.delay

    def _place(self) -> int:
        """Among messages that are due at the same time, chance decides."""
        return self.chance.getrandbits(32) << 32 | next(self._numbers)

    def run(self) -> World:
        for _ in range(MOST_SWEEPS):
            self._run_until(self.clock() + SWEEP_EVERY)
            if all(job.status.terminal for job in self.table.jobs.values()):
                break
            self.deliver(Due(self.clock(), self._place(), "sweep", {}))
        super().run()
        return self

    def _run_until(self, end: float) -> None:
        """Delivers what is due by then; time passes all the same when there is nothing."""
        while self._due and self._due[0].at <= end:
            due = heapq.heappop(self._due)
            self.clock.time = max(self.clock.time, due.at)
            self.deliver(due)
        self.clock.time = max(self.clock.time, end)

    def deliver(self, due: Due) -> None:
        self.deliveries += 1
        self.delivered.append(due.document)
        if self.deliveries > MOST_DELIVERIES:
            raise RuntimeError("messages go round for ever")
        label = _label(due.queue, due.document)
        self.note(f"{self.clock() - 1_800_000_000:.3f} {label} receive {due.receives}")
        stopped = any(job.stop for job in self.table.jobs.values())
        self.processes.append(Process(due, stopped=stopped))
        try:
            super().deliver(due)
        finally:
            self.processes.pop()

    def _noting(self, queue: str, handler: Handler) -> Handler:
        def handle(document: dict[str, Any]) -> None:
            try:
                handler(document)
                self.flying -= queue == "results"
            except PenstockError as error:
                self.note(f"  failed: {error}")
                raise

        return handle

    def _bring_back(self, due: Due) -> None:
        killed = self.processes[-1].dead
        if due.queue in ("sweep", "cancel", "transformed"):
            return  # The next sweep comes by itself.
        if due.receives >= MAXIMUM_RECEIVES:
            self.dead_letters.append(due)
            return
        later = VISIBILITY[due.queue] if killed else min(300, 2**due.receives)
        at = self.clock() + later
        again = Due(at, self._place(), due.queue, due.document, due.receives + 1)
        heapq.heappush(self._due, again)

    def witness(self, port: str, method: str) -> None:
        """Remembers what the end no longer shows."""
        if method == "announce_job":
            delivered = self.objects.keys("output")
            self.announced_early |= f"{self.scenario.key}.manifest.json" not in delivered
        if method == "create" and self.processes[-1].stopped:
            self.sent_after_stop.append(self.transforms.requests[-1].name)
        if port == "model" and self.processes[-1].stopped:
            self.sent_after_stop.append(self.model.requests[-1].inference_id)
        if method == "invoke_async":
            self.flying += 1
            self.most_flying = max(self.most_flying, self.flying)
        if method == "settle":
            for (_, path), state in self.table.chunks.items():
                if state.outcome:
                    self.outcomes[str(path)].add(state.outcome)

    def answer(self, request: SyncRequest) -> SyncAnswer:
        """Time passes for everybody while a function waits."""
        self.clock.advance(self.chance.random() * min(60.0, self.scenario.moods.latency))
        return super().answer(request)

    # Faults

    def cross(self, moment: str, call: str) -> None:
        """A border of a port call: here a function may be interrupted, or overtaken."""
        process = self.processes[-1]
        if process.dead:
            raise Killed
        self.note(f"  {moment} {call}")
        if self._interrupted(process):
            self._interrupt(process, moment, call)
        if len(self.processes) < 3 and self._strikes(self.faults.interleave):
            self._overtake()

    def _interrupted(self, process: Process) -> bool:
        """At most twice for one message, so that none is received too often."""
        strikes = self._strikes(self.faults.kill + self.faults.fail)
        hits = self.hit.get(id(process.due.document), 0)
        return strikes and hits < 2 and self.suffered.all < self.faults.most

    def _interrupt(self, process: Process, moment: str, call: str) -> None:
        document = process.due.document
        self.hit[id(document)] = self.hit.get(id(document), 0) + 1
        self.suffered.repeated_invocations += process.due.queue in _INVOKING
        rates = [self.faults.kill, self.faults.fail]
        manner = self.chance.choices(["kill", "fail"], rates)[0]
        if self.hit[id(document)] > 1:
            manner = "fail"  # dead twice, it would outlast the receives of what waits for it
        self.note(f"  ! {manner} {moment} {call}")
        if manner == "kill":
            self.suffered.kills += 1
            self.suffered.lost_uploads += 2 * (process.due.queue == "assemble")  # output, errors
            process.dead = True
            raise Killed
        self.suffered.failures += 1
        self.suffered.lost_uploads += "abort_upload" in call or "begin_upload" in call
        raise _failure(call)

    def _overtake(self) -> None:
        soon = [due for due in self._due if due.at <= self.clock() + SOON]
        if not soon:
            return
        due = self.chance.choice(sorted(soon))
        self._due.remove(due)
        heapq.heapify(self._due)
        self.suffered.repeated_invocations += due.queue in _INVOKING
        self.note("  > meanwhile")
        self.clock.time = max(self.clock.time, due.at)
        self.deliver(due)
        self.note("  < so far")

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self.chance.random() < rate

    def note(self, line: str) -> None:
        self.trace.append("    " * max(0, len(self.processes) - 1) + line)


def _goes_round(document: dict[str, Any]) -> bool:
    """A message that asks again and again: doubled each time, it would soon be thousands."""
    again = document.get("turns", 0) > 1 or document.get("pauses", 0) > 1
    return again or "seen" in document


def _failure(call: str) -> Exception:
    if call.startswith("transforms.create"):
        return CreationError(Trouble(TroubleKind.RETRYABLE, "ConnectionError", "connection reset"))
    if call.startswith("model."):
        reset = Trouble(TroubleKind.RETRYABLE, "ConnectionError", "connection reset")
        return InvocationError(reset)
    return RetryableError("ConnectionError", "connection reset")


@dataclass
class SimulatedPort:
    world: SimulatedWorld
    name: str
    port: Any
    calls: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            words = f"{self.name}.{method}{_words(args)}"
            self.world.cross("before", words)
            answer = getattr(self.port, method)(*args, **kwargs)
            if method == "stream":
                answer = iter(list(answer))
            self.world.witness(self.name, method)
            self.world.cross("after", words)
            return answer

        return call


def _words(args: tuple[Any, ...]) -> str:
    return "".join(f" {_word(each)}" for each in args if isinstance(each, _TOLD))


_TOLD = (str, int, ChunkPath, ChunkState, Request, AsyncTicket)


def _word(value: Any) -> str:
    if isinstance(value, ChunkState):
        return f"{value.path}:{value.attempt}"
    return value.inference_id if isinstance(value, Request) else str(value)


def _label(queue: str, document: dict[str, Any]) -> str:
    """A message in a few words."""
    names = (
        "kind",
        "region",
        "segment",
        "chunk",
        "bits",
        "attempt",
        "pauses",
        "invocationStatus",
        "inferenceId",
    )
    told = [f"{name}={document[name]}" for name in names if document.get(name) not in (None, "")]
    return " ".join([queue, *told])
