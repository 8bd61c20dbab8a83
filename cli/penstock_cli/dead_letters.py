"""The dead-letter queues of a stack: how full they are, what lies in them, and the way back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.adapters.aws import translated
from penstock.domain.errors import PenstockError, PermanentError
from penstock_cli.aws import Connection
from penstock_cli.letters import Letter, letter_of

QUEUES = ("upload", "split", "invoke", "transform", "result", "assemble")

SAMPLE = 100
"""Letters of which the oldest is told; SQS itself knows no order."""

HIDDEN = 30
"""Seconds that letters are invisible while they are looked at, should we die over it."""

_BATCH = 10
_NO_SUCH_ACTION = frozenset(
    {
        "InvalidAction",
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
    }
)


@dataclass(frozen=True, slots=True)
class Look:
    """How many letters a queue holds, about, and some of the visible ones, the oldest first.

    Those in flight are with handle_dead_letter, or were when it failed on them.
    """

    queue: str
    visible: int
    in_flight: int
    letters: tuple[Letter, ...] = ()

    @property
    def oldest_at(self) -> float | None:
        """In epoch seconds, as far as letters were looked at."""
        return self.letters[0].sent_at if self.letters else None


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """One of them. `source` is the queue that its letters came from, both as URLs."""

    sqs: Any
    name: str
    url: str
    source: str

    @classmethod
    def of(cls, connection: Connection, name: str) -> "DeadLetterQueue":
        """Raises WrongUsageError: the stack is of an earlier version."""
        step, stack = name.capitalize(), connection.stack
        return cls(
            connection.client("sqs"),
            name,
            stack.output(f"{step}DeadLetterQueueUrl"),
            stack.output(f"{step}QueueUrl"),
        )

    def look(self, limit: int = SAMPLE) -> Look:
        """Shows up to `limit` letters, and leaves all where they are."""
        visible, in_flight = self._counts()
        letters = self._letters(min(limit, visible))
        return Look(self.name, visible, in_flight, tuple(letters))

    def _counts(self) -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self._attributes(self.url, names)
        return int(counts[names[0]]), int(counts[names[1]])

    def _letters(self, limit: int) -> list[Letter]:
        held: dict[str, Any] = {}
        try:
            for message in self._received(limit):
                held[message["MessageId"]] = message
        finally:
            self._put_back(list(held.values()))
        return sorted(map(letter_of, held.values()), key=lambda letter: letter.sent_at)

    def redrive(
        self, limit: int | None, moved: Callable[[int], None], sleep: Callable[[float], None]
    ) -> int:
        """Sends visible letters back to their source: all, or up to `limit`.

        Args:
            moved: is told how many have gone so far.
            sleep: lets time pass while SQS moves them.

        Raises:
            PenstockError: it could not; what has gone has gone.
        """
        if limit is None:
            try:
                return self._moved_by_sqs(moved, sleep)
            except PenstockError as error:
                if error.code not in _NO_SUCH_ACTION:
                    raise
            limit, _ = self._counts()
        return self._moved_by_hand(limit, moved)

    def _moved_by_sqs(self, moved: Callable[[int], None], sleep: Callable[[float], None]) -> int:
        source, destination = (
            self._attributes(url, ["QueueArn"])["QueueArn"] for url in (self.url, self.source)
        )
        with translated(self.url):
            # The destination is named, as letters of EventBridge and SNS have no source queue.
            self.sqs.start_message_move_task(SourceArn=source, DestinationArn=destination)
        while True:
            with translated(self.url):
                answer = self.sqs.list_message_move_tasks(SourceArn=source, MaxResults=1)
            (task,) = answer["Results"]
            count = int(task.get("ApproximateNumberOfMessagesMoved", 0))
            moved(count)
            if task["Status"] not in ("RUNNING", "CANCELLING"):
                return _checked(task, count)
            sleep(1.0)

    def _moved_by_hand(self, limit: int, moved: Callable[[int], None]) -> int:
        count = 0
        for message in self._received(limit):
            self._forward(message)
            count += 1
            moved(count)
        return count

    def _forward(self, message: Any) -> None:
        """Sends before it deletes: who is interrupted leaves a copy, but loses nothing."""
        with translated(self.source):
            self.sqs.send_message(QueueUrl=self.source, **_again(message))
        with translated(self.url):
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def _received(self, limit: int) -> Iterator[Any]:
        """Up to `limit` letters that are visible; then they are not, for a while."""
        left = limit
        while left > 0:
            with translated(self.url):
                answer = self.sqs.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=min(_BATCH, left),
                    VisibilityTimeout=HIDDEN,
                    WaitTimeSeconds=1,  # a shorter look asks only some of SQS's servers
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            messages = answer.get("Messages", [])
            yield from messages
            left = left - len(messages) if messages else 0

    def _put_back(self, messages: Sequence[Any]) -> None:
        for start in range(0, len(messages), _BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
                for number, each in enumerate(messages[start : start + _BATCH])
            ]
            with translated(self.url):
                self.sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def _attributes(self, url: str, names: list[str]) -> dict[str, str]:
        with translated(url):
            answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        attributes: dict[str, str] = answer["Attributes"]
        return attributes


def _checked(task: dict[str, Any], count: int) -> int:
    if task["Status"] != "COMPLETED":
        reason = task.get("FailureReason", "SQS gave no reason")
        message = f"SQS stopped after {count} letters ({task['Status']}): {reason}"
        raise PermanentError("RedriveFailed", message)
    return count


def _again(message: Any) -> dict[str, Any]:
    """What to send, for the same message: with the job that it counts to on a fair queue."""
    group = message.get("Attributes", {}).get("MessageGroupId")
    attributes = message.get("MessageAttributes")
    return (
        {"MessageBody": message["Body"]}
        | ({"MessageGroupId": group} if group else {})
        | ({"MessageAttributes": attributes} if attributes else {})
    )
