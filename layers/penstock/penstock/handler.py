"""What the Lambda functions have in common."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer

from penstock.adapters.aws import client
from penstock.adapters.journal import PowertoolsJournal
from penstock.adapters.sqs import Visibility
from penstock.batches import Batches, Handler, Parser, Stage
from penstock.domain.envelopes import document_of
from penstock.ports import Journal
from penstock.settings import Settings

LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a function is built from."""

    settings: Settings
    journal: Journal


def queue_handler(
    build: Callable[[Runtime], Handler | Stage], parse: Parser = document_of
) -> LambdaHandler:
    """A Lambda handler that runs the built use case on each message of its queue."""

    def batches_of(runtime: Runtime, logger: Logger) -> Callable[[dict[str, Any]], dict[str, Any]]:
        url = runtime.settings.queue_url
        # Dead-letter queues have one function for all of them, and their own timeout.
        visibility = Visibility(client("sqs"), url) if url else None
        built = build(runtime)
        stage = built if isinstance(built, Stage) else Stage(built)
        return Batches(stage, visibility, logger, parse)

    return _instrumented(batches_of)


def scheduled_handler(build: Callable[[Runtime], Callable[[], None]]) -> LambdaHandler:
    """A Lambda handler that runs the built use case, whatever the event says."""

    def run_of(runtime: Runtime, _logger: Logger) -> Callable[[dict[str, Any]], dict[str, Any]]:
        run = build(runtime)

        def answer(_event: dict[str, Any]) -> dict[str, Any]:
            run()
            return {}

        return answer

    return _instrumented(run_of)


def _instrumented(
    build: Callable[[Runtime, Logger], Callable[[dict[str, Any]], dict[str, Any]]],
) -> LambdaHandler:
    """With logs, traces, and the metrics sent at the end of each invocation."""
    logger, metrics, tracer = Logger(), Metrics(), Tracer()
    journal = PowertoolsJournal(logger, metrics)
    answer = build(Runtime(Settings.of(os.environ), journal), logger)

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler(capture_response=False)
    def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            return answer(event)
        finally:
            journal.flush()

    decorated: LambdaHandler = lambda_handler
    return decorated
