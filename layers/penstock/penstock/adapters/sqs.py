"""Messages through SQS."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from penstock.adapters.aws import translated
from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import RetryableError

BATCH = 10
"""Entries that SendMessageBatch takes."""

_SENDERS = 8
_WAITING = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]


@dataclass(frozen=True, slots=True)
class SqsQueues:
    """Queues over an SQS client. A queue that a function may not fill has no URL."""

    sqs: Any
    split_url: str = ""
    invoke_url: str = ""
    assemble_url: str = ""
    transform_url: str = ""
    result_url: str = ""

    def split(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self._send(self.split_url, job_id, [(each, 0) for each in messages])

    def invoke(self, job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None:
        self.invoke_later(job_id, [(each, delay) for each in messages])

    def invoke_later(self, job_id: str, messages: Sequence[tuple[ChunkMessage, int]]) -> None:
        delayed = [(message.to_json(), delay) for message, delay in messages]
        self._send(self.invoke_url, job_id, delayed)

    def assemble(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self._send(self.assemble_url, job_id, [(each, 0) for each in messages])

    def transform(self, job_id: str, messages: Sequence[dict[str, Any]], delay: int = 0) -> None:
        self._send(self.transform_url, job_id, [(each, delay) for each in messages])

    def results(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self._send(self.result_url, job_id, [(each, 0) for each in messages])

    def chunks_waiting(self) -> int:
        with translated(self.invoke_url):
            answer = self.sqs.get_queue_attributes(
                QueueUrl=self.invoke_url, AttributeNames=_WAITING
            )
        return sum(int(number) for number in answer["Attributes"].values())

    def _send(self, url: str, job_id: str, messages: Sequence[tuple[dict[str, Any], int]]) -> None:
        entries = [_entry(job_id, index, *each) for index, each in enumerate(messages)]
        batches = list(_batches(entries))
        if len(batches) <= 1:
            for batch in batches:
                self._send_batch(url, batch)
            return
        with ThreadPoolExecutor(_SENDERS) as pool:
            for _ in pool.map(lambda batch: self._send_batch(url, batch), batches):
                pass

    def _send_batch(self, url: str, entries: list[dict[str, Any]]) -> None:
        with translated(url):
            answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        failed = answer.get("Failed")
        if failed:
            # Sending all of them again is right: every message may arrive twice.
            raise RetryableError(failed[0].get("Code", "Failed"), f"{len(failed)} not sent: {url}")


def _entry(job_id: str, index: int, message: dict[str, Any], delay: int) -> dict[str, Any]:
    entry = {
        "Id": str(index),
        "MessageBody": json.dumps(message, separators=(",", ":")),
        # A fair queue: on a standard queue the group orders nothing, but one job's backlog
        # doesn't hold up another's.
        "MessageGroupId": job_id,
    }
    return entry | {"DelaySeconds": delay} if delay else entry


def _batches(entries: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(entries), BATCH):
        yield entries[start : start + BATCH]


@dataclass(frozen=True, slots=True)
class Visibility:
    """Keeps a failed message away for a while.

    Needed because Lambda's own back-off is off where it reports failures per message
    (Lambda Developer Guide, "Handling errors for an SQS event source").
    """

    sqs: Any
    url: str

    def back_off(self, receipt_handle: str, receives: int) -> None:
        """2, 4, 8 ... up to 300 seconds."""
        with translated(self.url):
            self.sqs.change_message_visibility(
                QueueUrl=self.url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=min(300, 2 ** min(receives, 10)),
            )
