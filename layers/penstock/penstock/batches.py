"""Batches of queue messages: one function for one message, the framework owns the rest.

A message that fails comes back alone; its neighbours are done (partial batch response).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from penstock.adapters.sqs import Visibility
from penstock.domain.envelopes import document_of
from penstock.domain.errors import PermanentError, RetryableError

# Both with the same type: what the parser makes of a body goes to the handler.
Handler = Callable[[Any], None]
Parser = Callable[[str], Any]

Around = Callable[[list[Any]], AbstractContextManager[None]]

_FOREIGN = "ForeignInference"


def nothing_around(_messages: list[Any]) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Stage:
    """What a function does with each message, and around all that come together."""

    handle: Handler
    around: Around = nothing_around


class ConcurrentBatchProcessor(BatchProcessor):
    """Takes the messages of a batch side by side: they wait for the network, not for the CPU."""

    def process(self) -> list[tuple[Any, ...]]:
        with self, ThreadPoolExecutor(max(1, len(self.records))) as pool:
            return list(pool.map(self._process_record, self.records))


@dataclass(frozen=True, slots=True)
class Batches:
    """Handles the batches of a queue. Without `visibility` what fails stays hidden as it is."""

    stage: Stage
    visibility: Visibility | None
    logger: Logger
    parse: Parser = document_of

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """The partial batch response to an SQS event."""
        processor = ConcurrentBatchProcessor(
            event_type=EventType.SQS, raise_on_entire_batch_failure=False
        )
        messages = list(self._readable(event["Records"]))
        with self.stage.around(messages), processor(event["Records"], self._handle_one):
            processor.process()
        return dict(processor.response())

    def _readable(self, records: list[dict[str, Any]]) -> Iterator[Any]:
        for record in records:
            try:
                yield self.parse(record["body"])
            except PermanentError:
                continue  # It fails by itself, with its reason.

    def _handle_one(self, record: SQSRecord) -> None:
        try:
            self.stage.handle(self.parse(record.body))
        except PermanentError as error:
            if error.code != _FOREIGN:
                self._back_off(record, error)
                raise
            self.logger.warning("dropped: %s", error.message)
        except Exception as error:
            # Whatever it is, the message must not come back at once.
            self._back_off(record, error)
            raise

    def _back_off(self, record: SQSRecord, error: Exception) -> None:
        receives = int(record.attributes.approximate_receive_count)
        expected = isinstance(error, RetryableError)
        log = self.logger.info if expected else self.logger.exception
        log("message failed", extra={"error": str(error), "receives": receives})
        if self.visibility:
            self.visibility.back_off(record.receipt_handle, receives)
