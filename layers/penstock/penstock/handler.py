"""What the Lambda functions have in common."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer

from penstock.adapters.aws import client
from penstock.adapters.journal import PowertoolsJournal
from penstock.adapters.sqs import Visibility
from penstock.batches import Batches, Handler, Parser
from penstock.ports import Journal
from penstock.settings import Settings

LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a function is built from."""

    settings: Settings
    journal: Journal


def queue_handler(build: Callable[[Runtime], Handler], parse: Parser = json.loads) -> LambdaHandler:
    """A Lambda handler that runs the built use case on each message of its queue."""
    logger, metrics, tracer = Logger(), Metrics(), Tracer()
    settings = Settings.of(os.environ)
    journal = PowertoolsJournal(logger, metrics)
    handle = build(Runtime(settings, journal))
    # Dead-letter queues have one function for all of them, and their own timeout.
    visibility = Visibility(client("sqs"), settings.queue_url) if settings.queue_url else None
    batches = Batches(handle, visibility, logger, parse)

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler(capture_response=False)
    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            return batches(event)
        finally:
            journal.flush()

    decorated: LambdaHandler = lambda_handler
    return decorated


def scheduled_handler(build: Callable[[Runtime], Callable[[], None]]) -> LambdaHandler:
    """A Lambda handler that runs the built use case, whatever the event says."""
    logger, metrics, tracer = Logger(), Metrics(), Tracer()
    journal = PowertoolsJournal(logger, metrics)
    run = build(Runtime(Settings.of(os.environ), journal))

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler(capture_response=False)
    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            run()
        finally:
            journal.flush()
        return {}

    decorated: LambdaHandler = lambda_handler
    return decorated
