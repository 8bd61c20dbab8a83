"""Delivers notifications and events, and mishandles them when a fault rule says so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.faults import FaultBook, FaultRule
from penstock_local.sagemaker.stats import Stats

_log = logging.getLogger(__name__)
# A reordered message waits for the next of its subject, but not for ever.
_REORDER_SECONDS = 5.0


@dataclass(frozen=True)
class Message:
    """A notification of an endpoint or an event of a job: `subject` is its name.

    `send` raises AwsError; `faults` are those that may strike the message.
    """

    subject: str
    send: Callable[[], Awaitable[object]]
    faults: frozenset[str]


class Publisher:
    def __init__(self, faults: FaultBook, stats: Stats) -> None:
        self._faults = faults
        self._stats = stats
        self._held: dict[str, list[Message]] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def publish(self, message: Message) -> None:
        drawn = self._faults.draw(message.subject, message.faults)
        mishaps = {rule.fault.partition("_")[0]: rule for rule in drawn}
        if "lost" in mishaps:
            _log.info("fault: a message of %s is lost", message.subject)
        elif "reordered" in mishaps:
            self._hold(message)
        elif delayed := mishaps.get("delayed"):
            self._later(delayed.seconds, self._deliver(message, mishaps))
        else:
            await self._deliver(message, mishaps)

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _deliver(self, message: Message, mishaps: dict[str, FaultRule]) -> None:
        duplicate = mishaps.get("duplicate")
        for _ in range(1 + (duplicate.count if duplicate else 0)):
            await self._send(message)
        await self._release(message.subject)

    async def _send(self, message: Message) -> None:
        try:
            await message.send()
        except AwsError as error:
            self._stats.count(message.subject, counts.NOTIFICATION_FAILURES)
            _log.warning("no message of %s: %s", message.subject, error)
        else:
            self._stats.count(message.subject, counts.NOTIFICATIONS_SENT)

    def _hold(self, message: Message) -> None:
        self._held.setdefault(message.subject, []).append(message)
        self._later(_REORDER_SECONDS, self._release(message.subject))

    async def _release(self, subject: str) -> None:
        for message in self._held.pop(subject, []):
            await self._send(message)

    def _later(self, seconds: float, action: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_after(seconds, action))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _after(seconds: float, action: Coroutine[Any, Any, None]) -> None:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        action.close()
        raise
    await action
