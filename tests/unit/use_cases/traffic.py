"""Jobs of many chunks at one endpoint, in virtual time: what entrance and exit make of them.

The endpoint has so many workers and serves requests in the order in which they came, as SageMaker
does. Messages take as long as they do on AWS. Several functions work on the queue at the same time,
each with its own memory.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from penstock.domain.admission import Lane, lanes_of
from penstock.domain.chunk import ChunkMessage
from penstock.domain.invoke import Invoke
from penstock.domain.job import Job, JobStatus, Source, Totals
from penstock.domain.pipeline import Pipeline
from penstock.domain.retry import RetryPolicy, backoff
from penstock.testing import FakeAdmissions, FakeClock, FakeJournal, FakeQueues
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.lanes import Lanes

ENDPOINT = "demo"
BATCH = 10
FUNCTIONS = 8
WEEK = 7 * 86400


def job_of(name: str, chunks: int, now: float) -> Job:
    return Job(
        job_id=f"{name:_<20}",
        source=Source("input", f"{name}.txt", 1, "etag", "v1"),
        pipeline=Pipeline(invoke=Invoke(ENDPOINT), deadline=WEEK),
        region_bytes=1,
        created_at=now,
        status=JobStatus.RUNNING,
        totals=Totals(10 * chunks, chunks, -(-chunks // 256)),
    )


@dataclass
class Endpoint:
    """Each inference takes `seconds`; a call is refused while `capacity` are in flight.

    In a storm, between two times after the beginning, all are.
    """

    workers: int
    seconds: Callable[[random.Random], float] = lambda _chance: 1.0
    capacity: float = float("inf")
    storm: tuple[float, float] = (0.0, 0.0)
    in_flight: int = 0
    most: int = 0
    refusals: int = 0
    _free_at: list[float] = field(default_factory=list)

    def takes(self, at: float) -> bool:
        begins, ends = self.storm
        taken = self.in_flight < self.capacity and not begins <= at < ends
        self.refusals += not taken
        return taken

    def answers_at(self, now: float, chance: random.Random) -> float:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        free_at = heapq.heappop(self._free_at) if len(self._free_at) >= self.workers else now
        done_at = max(now, free_at) + self.seconds(chance)
        heapq.heappush(self._free_at, done_at)
        return done_at


class Event(NamedTuple):
    """Compared millions of times, as a tuple by Python itself; `number` is in no other."""

    at: float
    number: int
    kind: str
    what: Any


class Traffic:
    """`done` has the seconds that each job took. Without `permits` everything is sent at once."""

    def __init__(self, endpoint: Endpoint, *, cap: int = 200, permits: bool = True) -> None:
        self.endpoint, self.cap, self.permits = endpoint, cap, permits
        self.clock, self.chance = FakeClock(), random.Random("traffic")
        self.began = self.clock()
        self.admissions, self.queues = FakeAdmissions(), FakeQueues()
        self.entrances = [
            Entrance(self._lanes(), self.queues, FakeJournal(), self.clock, self.chance.uniform)
            for _ in range(FUNCTIONS)
        ]
        self.exits = [Exit(self._lanes(), FakeJournal(), self.clock) for _ in range(FUNCTIONS)]
        self.jobs: dict[str, Job] = {}
        self.left: Counter[str] = Counter()
        self.done: dict[str, float] = {}
        self.visits = 0
        self.in_flight_then: list[tuple[float, int]] = []
        self._events: list[Event] = []
        self._numbers = itertools.count()

    @property
    def limit(self) -> float | None:
        pace = self.admissions.read(Lane(ENDPOINT, 0, lanes_of(self.cap))).pace
        return pace.limit if pace else None

    def drop(self, name: str, chunks: int, at: float = 0.0) -> None:
        self._push(self.began + at, "drop", (name, chunks))

    def drop_and_run(self, name: str, chunks: int) -> float:
        """Seconds that the job takes."""
        before = self.clock()
        self.drop(name, chunks, at=before - self.began)
        self.run()
        return self.done[name]

    def run(self, until: float = float("inf")) -> "Traffic":
        handlers: dict[str, Callable[[list[Any]], None]] = {
            "drop": self._drop,
            "chunk": self._invoke,
            "result": self._collect,
        }
        while self._events and self._events[0].at < self.began + until:
            event = heapq.heappop(self._events)
            self.clock.time = max(self.clock.time, event.at)
            handlers[event.kind](self._batch(event))
            self.in_flight_then.append((self.clock() - self.began, self.endpoint.in_flight))
        return self

    def _lanes(self) -> Lanes:
        return Lanes(self.admissions, FakeJournal(), self.clock, self.cap)

    def _push(self, at: float, kind: str, what: Any) -> None:
        heapq.heappush(self._events, Event(at, next(self._numbers), kind, what))

    def _batch(self, first: Event) -> list[Any]:
        """What is due now comes together, up to ten."""
        batch = [first.what]
        while len(batch) < BATCH and self._events:
            following = self._events[0]
            if following.at > self.clock() or following.kind != first.kind:
                break
            batch.append(heapq.heappop(self._events).what)
        return batch

    def _drop(self, drops: list[tuple[str, int]]) -> None:
        for name, chunks in drops:
            job = job_of(name, chunks, self.clock())
            self.jobs[job.job_id], self.left[job.job_id] = job, chunks
            for number in range(chunks):
                path = divmod(number, 256)
                message = ChunkMessage(job.job_id, *path, 0, 1, 10, 10 * number, 256)
                self._push(self.clock(), "chunk", message)

    def _invoke(self, chunks: list[ChunkMessage]) -> None:
        self.visits += len(chunks)
        entrance = self.chance.choice(self.entrances)
        with entrance.batch([chunk.to_json() for chunk in chunks]):
            for chunk in chunks:
                if self.permits:
                    self._ask(entrance, chunk)
                else:
                    self._send(chunk)
        for message in self.queues.take():
            late = self.chance.uniform(0.02, 0.5)
            chunk = ChunkMessage.from_json(message.document)
            self._push(self.clock() + message.delay + late, "chunk", chunk)

    def _ask(self, entrance: Entrance, chunk: ChunkMessage) -> None:
        job = self.jobs[chunk.job_id]
        with entrance.permit(job, chunk) as permit:
            if permit is None:
                entrance.turn_away(job, chunk)
            elif self.endpoint.takes(self.clock() - self.began):
                permit.keep()
                self._send(chunk)
            else:
                entrance.refused(job, chunk)
                paused = chunk.paused()
                delay = backoff(RetryPolicy(), paused.pauses, self.chance.uniform)
                self._push(self.clock() + round(delay), "chunk", paused)

    def _send(self, chunk: ChunkMessage) -> None:
        answered = self.endpoint.answers_at(self.clock(), self.chance)
        told = answered + self.chance.uniform(0.05, 0.3)
        self._push(told, "result", (chunk, self.clock()))

    def _collect(self, results: list[tuple[ChunkMessage, float]]) -> None:
        exit_ = self.chance.choice(self.exits)
        with exit_.batch():
            for chunk, asked_at in results:
                self.endpoint.in_flight -= 1
                self._settle(chunk)
                if self.permits:
                    exit_.give_back(self.jobs[chunk.job_id], chunk.path, asked_at)

    def _settle(self, chunk: ChunkMessage) -> None:
        job = self.jobs[chunk.job_id]
        self.left[job.job_id] -= 1
        if not self.left[job.job_id]:
            self.done[job.source.key.removesuffix(".txt")] = self.clock() - job.created_at
