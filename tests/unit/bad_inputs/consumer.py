"""A function of the stack with its queue: batches as Lambda delivers them, over the fakes."""

import io
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from aws_lambda_powertools import Logger

from penstock.batches import Batches, Stage
from penstock.domain.dead_letters import DeadLetter
from penstock.domain.envelopes import document_of, unwrapped
from tests.unit.use_cases.world import PIPELINE, Due, World

KEY = "in/good.txt"
TRANSFORM = "invoke: {mode: transform, model: demo, instance_type: ml.m5.large}\n"
PARSERS: dict[str, Callable[[str], Any]] = {"results": unwrapped}
"""Of functions whose messages may come in an envelope, as in functions/."""

_LOGGERS = itertools.count()


class ReachedError(Exception):
    """The job has come to the queue."""


@dataclass
class Consumer:
    """A job is under way, and its next message in the queue."""

    queue: str
    world: World = field(init=False)
    good: list[dict[str, Any]] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        pipeline = TRANSFORM if self.queue == "transform" else PIPELINE
        self.world = World(pipeline=pipeline, region_bytes=1000)
        self.job_id = self.world.drop(KEY, b"one\ntwo\n")
        self.world.before_delivery = self._stop
        with suppress(ReachedError):
            self.world.run()
        self.world.before_delivery = lambda _due: None

    def _stop(self, due: Due) -> None:
        if due.queue == self.queue:
            self.good.append(due.document)
            raise ReachedError

    def receive(self, body: str) -> list[str]:
        """A batch of the good message, `body`, and the good one again; which of them failed."""
        good = json.dumps(self.good[0])
        records = [_record(number, text) for number, text in enumerate([good, body, good])]
        # Loggers of one name share the stream of the first.
        logger = Logger(f"bad-inputs-{next(_LOGGERS)}", stream=self.log, level="INFO")
        parse = PARSERS.get(self.queue, document_of)
        batches = Batches(Stage(self._handle), None, logger, parse)
        answer = batches({"Records": records})
        self.world._carry_on()
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def _handle(self, document: dict[str, Any]) -> None:
        # One at a time: in a World each message makes up a batch of permits.
        with self.lock:
            self.world.handlers[self.queue](document)

    @property
    def logged(self) -> str:
        return self.log.getvalue()

    def bury(self, body: str) -> None:
        """The message has failed ten times."""
        self.world.handle_dead_letter(DeadLetter.parse(body))
        self.world._carry_on()
        self.world.run()


def _record(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": str(number),
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
        "awsRegion": "us-east-1",
    }
