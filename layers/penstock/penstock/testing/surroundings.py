"""Queues, model, topics, log and clock in memory."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.domain.chunk import ChunkMessage
from penstock.domain.retry import SQS_MAXIMUM_DELAY
from penstock.ports import AsyncRequest, AsyncTicket, SyncAnswer, SyncRequest


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What is in a queue: `document` has been through JSON, as a real message has."""

    queue: str
    job_id: str
    document: dict[str, Any]
    delay: int = 0


@dataclass(slots=True)
class FakeQueues:
    """Queues. Keeps what was sent, in order; `waiting` is about what was taken since."""

    sent: list[SentMessage] = field(default_factory=list)
    waiting: Callable[[], int] = lambda: 0

    def split(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self._send("split", job_id, messages)

    def invoke(self, job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None:
        if not 0 <= delay <= SQS_MAXIMUM_DELAY:
            raise ValueError(f"SQS takes no DelaySeconds of {delay}")
        self._send("invoke", job_id, [each.to_json() for each in messages], delay)

    def invoke_later(self, job_id: str, messages: Sequence[tuple[ChunkMessage, int]]) -> None:
        for message, delay in messages:
            self.invoke(job_id, [message], delay)

    def assemble(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self._send("assemble", job_id, messages)

    def transform(self, job_id: str, messages: Sequence[dict[str, Any]], delay: int = 0) -> None:
        if not 0 <= delay <= SQS_MAXIMUM_DELAY:
            raise ValueError(f"SQS takes no DelaySeconds of {delay}")
        self._send("transform", job_id, messages, delay)

    def results(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self._send("results", job_id, messages)

    def chunks_waiting(self) -> int:
        return self.waiting() + sum(each.queue == "invoke" for each in self.sent)

    def take(self) -> list[SentMessage]:
        """All that was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken

    def _send(
        self, queue: str, job_id: str, messages: Sequence[dict[str, Any]], delay: int = 0
    ) -> None:
        for message in messages:
            document = json.loads(json.dumps(message))
            self.sent.append(SentMessage(queue, job_id, document, delay))


def _takes_all(_request: AsyncRequest | SyncRequest) -> None:
    """The behaviour of an endpoint that is well."""


def _repeats(request: SyncRequest) -> SyncAnswer:
    """The answer of a model that predicts each record to be itself."""
    return SyncAnswer(request.body, request.content_type)


@dataclass(slots=True)
class FakeModel:
    """Model. Keeps the requests; `behaviour` sees each first and may raise InvocationError.

    So may `answer`, which is what real-time requests get.

    An endpoint without a `failure_path` keeps nothing of what its container said.
    """

    behaviour: Callable[[AsyncRequest | SyncRequest], None] = _takes_all
    answer: Callable[[SyncRequest], SyncAnswer] = _repeats
    bucket: str = "work"
    failure_path: bool = True
    requests: list[AsyncRequest | SyncRequest] = field(default_factory=list)
    accepted: list[tuple[AsyncRequest, AsyncTicket]] = field(default_factory=list)

    def invoke(self, request: SyncRequest) -> SyncAnswer:
        self.requests.append(request)
        self.behaviour(request)
        return self.answer(request)

    def invoke_async(self, request: AsyncRequest) -> AsyncTicket:
        self.requests.append(request)
        self.behaviour(request)
        name = f"{len(self.accepted):06d}.out"
        failure = f"s3://{self.bucket}/async/failure/{name}" if self.failure_path else None
        ticket = AsyncTicket(f"s3://{self.bucket}/async/output/{name}", failure)
        self.accepted.append((request, ticket))
        return ticket


@dataclass(slots=True)
class FakeAnnouncer:
    """Announcer. Keeps what was announced."""

    jobs: list[tuple[dict[str, Any], bool]] = field(default_factory=list)
    bad_pipelines: list[dict[str, Any]] = field(default_factory=list)

    def announce_job(self, summary: dict[str, Any], *, successful: bool) -> None:
        self.jobs.append((summary, successful))

    def announce_bad_pipeline(self, report: dict[str, Any]) -> None:
        self.bad_pipelines.append(report)


@dataclass(slots=True)
class FakeJournal:
    """Journal. Keeps the lines."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, /, **fields: Any) -> None:
        self.lines.append((event, fields))

    def count(self, event: str) -> int:
        return sum(name == event for name, _ in self.lines)


@dataclass(slots=True)
class FakeClock:
    """Epoch seconds that pass when they are told to."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds
