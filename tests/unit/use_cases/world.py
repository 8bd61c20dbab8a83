"""All use cases over the fakes: drop a file, let the queues run dry, look at what was delivered.

`World` stands for AWS: it delivers each message at least once, brings back what failed, and runs a
Python function as the model behind the endpoint, which answers as SageMaker does.
"""

import csv
import heapq
import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from penstock.domain.chunk import ChunkMessage
from penstock.domain.dead_letters import DeadLetter
from penstock.domain.errors import PenstockError
from penstock.domain.job import Job
from penstock.domain.locations import parse_location
from penstock.domain.trouble import InvocationError, inference_trouble
from penstock.ports import AsyncRequest, AsyncTicket, ObjectRef, SyncAnswer, SyncRequest
from penstock.selection import compile_selection
from penstock.testing import (
    FakeAdmissions,
    FakeAnnouncer,
    FakeClock,
    FakeEndpoints,
    FakeJournal,
    FakeModel,
    FakeObjects,
    FakeQueues,
    FakeTable,
    FakeTransforms,
)
from penstock.use_cases import messages
from penstock.use_cases.abort_leaks import AbortLeaks
from penstock.use_cases.accept_answer import AcceptAnswer
from penstock.use_cases.accept_upload import AcceptUpload, Upload
from penstock.use_cases.after_failure import AfterFailure
from penstock.use_cases.ask_model import AskModel
from penstock.use_cases.assemble_output import AssembleSegment
from penstock.use_cases.attempt_chunk import AttemptChunk
from penstock.use_cases.collect_result import CollectResult
from penstock.use_cases.collect_transform import CollectTransform
from penstock.use_cases.compose_object import ComposeObject
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.finish_job import FinishJob
from penstock.use_cases.handle_dead_letter import HandleDeadLetter
from penstock.use_cases.invoke_model import InvokeModel
from penstock.use_cases.isolate_fault import IsolateFault
from penstock.use_cases.lanes import Lanes
from penstock.use_cases.look_at_group import LookAtGroup
from penstock.use_cases.pieces import MergePieces
from penstock.use_cases.prepare_chunk import PrepareChunk
from penstock.use_cases.probation import Probation
from penstock.use_cases.record_attempt import RecordAttempt
from penstock.use_cases.recover_permits import RecoverPermits
from penstock.use_cases.send_chunk import SendChunk
from penstock.use_cases.settle_chunk import SettleChunk
from penstock.use_cases.split_input import SplitInput
from penstock.use_cases.stage_chunk import StageChunk
from penstock.use_cases.start_transform import StartTransform
from penstock.use_cases.sweep_jobs import SweepJobs
from penstock.use_cases.sweep_segment import SweepSegment
from penstock.use_cases.sweep_transforms import SweepTransforms
from tests.unit.use_cases.transforming import CLIENT, DIED, SERVER, TransformService

PIPELINE = "invoke: {endpoint: demo}\n"
MAXIMUM_RECEIVES = 10
SAGEMAKERS_TRIES = 4
WINDOW = 60
PATIENCE = 900.0


@dataclass(frozen=True)
class Failed:
    """What the model's container did instead of answering; `said` lands in the failure object."""

    reason: str
    said: bytes = b""


@dataclass(frozen=True)
class Answered:
    """An answer of another content type than the one that was asked for."""

    body: bytes
    content_type: str
    variant: str | None = None


Request = AsyncRequest | SyncRequest
Response = bytes | Failed | Answered
Predict = Callable[[bytes, Request], Response]

SERVER_ERROR = "ClientError: Received server error (500) from model. See the logs."
CLIENT_ERROR = "ClientError: Received client error (400) from model. See the logs."


def predict(row: str) -> str:
    """The prediction for one record. It has no comma and no quote: the same in CSV."""
    return "y(" + row.replace("\r", "").translate(str.maketrans(',"\n', "|'~")) + ")"


def model(body: bytes, request: Request) -> bytes:
    """A well-behaved model of CSV rows, JSON lines and text lines."""
    text = body.decode()
    if request.content_type == "text/csv":
        predictions = [predict("|".join(row)) for row in csv.reader(io.StringIO(text, newline=""))]
    elif request.content_type == "application/json":
        return json.dumps({"predictions": json.loads(text)["instances"]}).encode()
    elif request.content_type == "application/jsonlines":
        predictions = [json.dumps({"y": json.loads(line)}) for line in text.splitlines()]
    else:
        predictions = [predict(line) for line in text.removesuffix("\n").split("\n")]
    return "".join(f"{each}\n" for each in predictions).encode()


@dataclass(order=True)
class Due:
    """A message and when it is delivered next."""

    at: float
    number: int
    queue: str = field(compare=False)
    document: dict[str, Any] = field(compare=False)
    receives: int = field(default=1, compare=False)


Wrap = Callable[[str, Any], Any]
Delays = Callable[[str], list[float]]


def once(_queue: str) -> list[float]:
    """Every message is delivered once, at once."""
    return [0.0]


def unwrapped(_name: str, port: Any) -> Any:
    return port


class World:
    """Buckets: input, output, work. Time passes only while a message waits for its delay.

    `wrap` may put something around each port; `delays` says for a message of a queue after how
    many seconds each of its deliveries comes. An endpoint gets at most `cap` chunks at a time.
    """

    def __init__(
        self,
        predict: Predict = model,
        *,
        pipeline: str = PIPELINE,
        region_bytes: int = 64,
        wrap: Wrap = unwrapped,
        delays: Delays = once,
        cap: int = 2000,
    ) -> None:
        self.clock = FakeClock()
        self.objects, self.table, self.queues = FakeObjects(), FakeTable(), FakeQueues()
        self.model, self.announcer, self.journal = FakeModel(), FakeAnnouncer(), FakeJournal()
        self.endpoints = FakeEndpoints()
        self.admissions, self.cap = FakeAdmissions(), cap
        self.transforms, self.transform_seconds = FakeTransforms(now=self.clock), 300.0
        self.transform_service = TransformService(self.objects, self.transforms, self._predict)
        self.objects.now = self.clock
        self.queues.waiting = lambda: sum(due.queue == "invoke" for due in self._due)
        self.predict, self.delays = predict, delays
        self.model.answer = self.answer
        self.dead_letters: list[Due] = []
        self.notifications: list[dict[str, Any]] = []
        self.before_delivery: Callable[[Due], None] = lambda _due: None
        self._due: list[Due] = []
        self._numbers = itertools.count()
        self._served = self._transforming = 0
        self.handlers = self._built(pipeline, region_bytes, wrap)
        self.sweep_jobs, self.handle_dead_letter = self._guards(wrap)

    # What the user does and sees

    def drop(self, key: str, body: bytes) -> str:
        """Puts an object into the input bucket; the id of the job that it starts."""
        stored = self.objects.put("input", key, body, "")
        event = self.event("input", key, len(body), stored.etag, stored.version_id)
        self.send("upload", event)
        return Upload.from_event(event).job_id

    def put(self, key: str, body: str | bytes) -> None:
        """Puts an object into the input bucket, without an event."""
        self.objects.put("input", key, body.encode() if isinstance(body, str) else body, "")

    @staticmethod
    def event(bucket: str, key: str, size: int, etag: str, version: str | None) -> dict[str, Any]:
        found = {"key": key, "size": size, "etag": etag, "sequencer": "0062E99A88DC407460"}
        if version:
            found["version-id"] = version
        return {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": bucket}, "object": found, "reason": "PutObject"},
        }

    def job(self, job_id: str) -> Job:
        return self.table.jobs[job_id]

    def job_of(self, key: str) -> Job:
        (job,) = (job for job in self.table.jobs.values() if job.source.key == key)
        return job

    def output(self, key: str) -> bytes:
        return self.objects.body("output", f"{key}.out")

    def lines(self, key: str) -> list[str]:
        return self.output(key).decode().splitlines()

    def errors(self, key: str) -> list[dict[str, Any]]:
        text = self.objects.body("output", f"{key}.errors.jsonl").decode()
        return [json.loads(line) for line in text.splitlines()]

    def manifest(self, key: str) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.objects.body("output", f"{key}.manifest.json"))
        return manifest

    # Time and messages

    def send(self, queue: str, document: dict[str, Any], delay: float = 0) -> None:
        for extra in self.delays(queue):
            at = self.clock() + delay + extra
            heapq.heappush(self._due, Due(at, next(self._numbers), queue, document))

    def run(self) -> "World":
        """Delivers messages until there are none."""
        while self._due:
            due = heapq.heappop(self._due)
            self.clock.time = max(self.clock.time, due.at)
            self.deliver(due)
        return self

    def sweep(self) -> "World":
        """One run of the sweep, and all that follows from it."""
        self.sweep_jobs()
        self._carry_on()
        return self.run()

    def sweep_until(self, at: float) -> "World":
        """Sweeps every minute, up to `at` seconds from now."""
        end = self.clock() + at
        while self.clock() < end:
            self.clock.advance(60)
            self.sweep()
        return self

    def handle_dead_letters(self) -> "World":
        """Until there are none: handling one may lead to another."""
        while self.dead_letters:
            letter = self.dead_letters.pop(0)
            self.handle_dead_letter(DeadLetter.parse(json.dumps(letter.document)))
            self._carry_on()
            self.run()
        return self

    def deliver(self, due: Due) -> None:
        """One message to its function, which may fail or die over it."""
        self.before_delivery(due)
        try:
            self.handlers[due.queue](due.document)
        except (PenstockError, Killed) as error:
            if getattr(error, "code", "") != "ForeignInference":
                self._bring_back(due)
        finally:
            self._carry_on()

    def _bring_back(self, due: Due) -> None:
        if due.receives >= MAXIMUM_RECEIVES:
            self.dead_letters.append(due)
            return
        at = self.clock() + min(300, 2**due.receives)
        again = Due(at, next(self._numbers), due.queue, due.document, due.receives + 1)
        heapq.heappush(self._due, again)

    def _carry_on(self) -> None:
        """What AWS does next with what the function has asked for."""
        for message in self.queues.take():
            self.send(message.queue, message.document, message.delay)
        for transform in self.transforms.requests[self._transforming :]:
            self._transforming += 1
            self.send("transformed", {"name": transform.name}, self.transform_seconds)
        for request, ticket in self.model.accepted[self._served :]:
            self._served += 1
            self.send("results", self.respond(request, ticket))

    def respond(self, request: AsyncRequest, ticket: AsyncTicket) -> dict[str, Any]:
        """SageMaker's part: runs the model, stores the answer, and makes the notification."""
        body = request.body
        if body is None:
            body = self.objects.read(ObjectRef(*parse_location(request.input_location or "")))
        response = self.predict(body, request)
        if isinstance(response, Failed):
            notification = self._failure(request, ticket, response)
        else:
            if isinstance(response, bytes):
                response = Answered(response, request.accept)
            notification = self._success(request, ticket, response)
        received = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")
        notification["receivedTime"] = received.replace("+00:00", "Z")
        self.notifications.append(notification)
        return notification

    def _predict(self, body: bytes, request: AsyncRequest) -> bytes | str:
        """What a model in a transform job answers, or why it doesn't.

        What may pass is tried again, as SageMaker does.
        """
        for _ in range(SAGEMAKERS_TRIES):
            response = self.predict(body, request)
            if not isinstance(response, Failed):
                return response.body if isinstance(response, Answered) else response
            if response.reason == CLIENT_ERROR:
                return CLIENT
            if response.reason == DIED:
                return DIED
        return SERVER

    def _run_transform(self, document: dict[str, Any]) -> None:
        """SageMaker's part, all at once at its end."""
        for event in self.transform_service.run(document["name"]):
            self.send("results", event)

    def answer(self, request: SyncRequest) -> SyncAnswer:
        """SageMaker's part in real time: the answer, or the container's error."""
        response = self.predict(request.body, request)
        if isinstance(response, Failed):
            raise InvocationError(inference_trouble(response.reason, response.said.decode()))
        if isinstance(response, bytes):
            response = Answered(response, request.accept)
        return SyncAnswer(response.body, response.content_type, response.variant)

    def _success(
        self, request: AsyncRequest, ticket: AsyncTicket, answer: Answered
    ) -> dict[str, Any]:
        self.objects.put(*parse_location(ticket.output_location), answer.body, "")
        response = {"contentType": answer.content_type, "outputLocation": ticket.output_location}
        return _notification(request, invocationStatus="Completed", responseParameters=response)

    def _failure(
        self, request: AsyncRequest, ticket: AsyncTicket, failed: Failed
    ) -> dict[str, Any]:
        if ticket.failure_location:
            self.objects.put(*parse_location(ticket.failure_location), failed.said, "")
        return _notification(request, invocationStatus="Failed", failureReason=failed.reason)

    def _built(self, pipeline: str, region_bytes: int, wrap: Wrap) -> dict[str, Any]:
        objects, table = wrap("objects", self.objects), wrap("table", self.table)
        queues, announcer = wrap("queues", self.queues), wrap("announcer", self.announcer)
        now, journal, settle = self.clock, self.journal, SettleChunk(table, queues, self.journal)
        after_failure = _after_failure(objects, settle, now)

        accept_answer = AcceptAnswer(compile_selection, now)
        model = wrap("model", self.model)

        exit_ = Exit(self._lanes(wrap), journal, now)
        record = RecordAttempt(table, journal, now)
        accept = AcceptUpload(
            objects,
            table,
            queues,
            announcer,
            journal,
            now,
            pipeline,
            region_bytes,
            "input",
            "output",
            self.endpoints,
        )
        attempt_of = partial(
            AttemptChunk,
            table=table,
            prepare=PrepareChunk(objects, objects.read_range),
            send=SendChunk(objects, model, record, now, "work"),
            ask=AskModel(objects, model, accept_answer, record, now, "work"),
            after_failure=after_failure,
            get_job=table.get_job,
            now=now,
        )
        collect = CollectResult(
            objects=objects,
            table=table,
            settle=settle,
            after_failure=after_failure,
            exit=exit_,
            get_job=table.get_job,
            accept=accept_answer,
            now=now,
            work_bucket="work",
        )
        look = LookAtGroup(objects, table, "work")
        collect_transform = CollectTransform(
            objects, table, queues, look, within(exit_.batch, collect), journal, now, "work"
        )
        start = StartTransform(
            objects=objects,
            table=table,
            queues=queues,
            transforms=wrap("transforms", self.transforms),
            collect=collect_transform,
            journal=journal,
            now=now,
            uniform=latest,
            work_bucket="work",
            window=WINDOW,
        )
        self._collect_transform = collect_transform
        compose = ComposeObject(objects)
        leaks = AbortLeaks(objects, journal, now, "work", "output")
        finish = FinishJob(
            objects=objects,
            table=table,
            announcer=announcer,
            lanes=self._lanes(wrap),
            compose=compose,
            abort_leaks=leaks,
            journal=journal,
            now=now,
            work_bucket="work",
            output_bucket="output",
        )
        merge = MergePieces(table, compose, "work")
        assemble = AssembleSegment(
            objects, table, merge, finish, compile_selection, after_failure.probation, "work"
        )

        def invoke_alone(document: Any) -> None:
            """In a function of its own: nothing is shared with one that is at work meanwhile."""
            attempt = attempt_of(
                stage=StageChunk(objects, queues, record, now, "work", WINDOW),
                entrance=Entrance(self._lanes(wrap), queues, journal, now, latest),
                exit=Exit(self._lanes(wrap), journal, now),
            )
            alone = InvokeModel(table, attempt, after_failure, table.get_job, now)
            with attempt.batch([document]):
                alone(ChunkMessage.from_json(document))

        return {
            "upload": accept,
            "split": SplitInput(objects, table, queues, journal, now, "work"),
            "invoke": invoke_alone,
            "transform": start,
            "transformed": self._run_transform,
            "results": lambda document: (
                collect_transform(document)
                if "detail-type" in document
                else within(exit_.batch, collect)(document)
            ),
            "assemble": lambda document: (
                finish.without_pieces(document["job_id"])
                if messages.checked(document, "segment", "finish")["kind"] == "finish"
                else assemble(document)
            ),
        }

    def _guards(self, wrap: Wrap) -> tuple[SweepJobs, HandleDeadLetter]:
        """The functions that no ordinary message comes to."""
        objects, table = wrap("objects", self.objects), wrap("table", self.table)
        queues, journal, now = wrap("queues", self.queues), self.journal, self.clock
        settle = SettleChunk(table, queues, journal)
        leaks = AbortLeaks(objects, journal, now, "work", "output")
        segment = SweepSegment(
            objects=objects,
            table=table,
            queues=queues,
            settle=settle,
            collect=self.handlers["results"],
            journal=journal,
            now=now,
            patience=PATIENCE,
        )
        exit_ = Exit(self._lanes(wrap), journal, now)
        permits = RecoverPermits(exit_.lanes, journal, now)
        transforms = SweepTransforms(
            table=table,
            queues=queues,
            transforms=wrap("transforms", self.transforms),
            collect=self._collect_transform,
            journal=journal,
            now=now,
            patience=PATIENCE,
        )
        return (
            SweepJobs(
                table=table,
                queues=queues,
                sweep_segment=segment,
                sweep_transforms=transforms,
                recover_permits=permits,
                exit=exit_,
                abort_leaks=leaks,
                journal=journal,
                now=now,
                patience=PATIENCE,
            ),
            HandleDeadLetter(table, queues, settle, exit_, journal, now),
        )

    def _lanes(self, wrap: Wrap) -> Lanes:
        """Each function has a memory of its own."""
        return Lanes(wrap("admissions", self.admissions), self.journal, self.clock, self.cap)


def _after_failure(objects: Any, settle: SettleChunk, now: Callable[[], float]) -> AfterFailure:
    table, queues, journal = settle.table, settle.queues, settle.journal
    probation = Probation(table, journal, now)
    isolate = IsolateFault(objects, table, queues, settle, probation, journal, now, latest)
    return AfterFailure(table, queues, settle, isolate, probation, journal, now, latest)


def within(around: Callable[..., Any], handle: Callable[[Any], None]) -> Callable[[Any], None]:
    """A batch of one message."""

    def handle_within(document: Any) -> None:
        with around([document]):
            handle(document)

    return handle_within


class Killed(BaseException):
    """The function's process is gone."""


def latest(_low: float, high: float) -> float:
    """Jitter without chance: the longest wait."""
    return high


def _notification(request: AsyncRequest, **outcome: Any) -> dict[str, Any]:
    asked = {"contentType": request.content_type, "endpointName": request.endpoint}
    if request.input_location:
        asked["inputLocation"] = request.input_location
    return {
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-25T22:46:00.608Z",
        "receivedTime": "2026-01-25T22:46:00.455Z",
        **outcome,
        "requestParameters": asked,
        "inferenceId": request.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
