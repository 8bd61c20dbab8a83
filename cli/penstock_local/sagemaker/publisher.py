"""Delivers notifications, and mishandles them when a fault rule says so."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.aws import Aws, AwsError
from penstock_local.sagemaker.faults import NOTIFICATION_FAULTS, FaultBook, FaultRule
from penstock_local.sagemaker.stats import Stats

_log = logging.getLogger(__name__)
# A reordered notification waits for the next of its endpoint, but not for ever.
_REORDER_SECONDS = 5.0


@dataclass(frozen=True)
class Notification:
    endpoint_name: str
    topic_arn: str
    document: dict[str, Any]


class Publisher:
    def __init__(self, aws: Aws, faults: FaultBook, stats: Stats) -> None:
        self._aws = aws
        self._faults = faults
        self._stats = stats
        self._held: dict[str, list[Notification]] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def publish(self, notification: Notification) -> None:
        name = notification.endpoint_name
        rules = {rule.fault: rule for rule in self._faults.draw(name, NOTIFICATION_FAULTS)}
        if "lost_notification" in rules:
            _log.info("fault: notification of %s lost", notification.document["inferenceId"])
        elif "reordered_notification" in rules:
            self._hold(notification)
        elif delayed := rules.get("delayed_notification"):
            self._later(delayed.seconds, self._deliver(notification, rules))
        else:
            await self._deliver(notification, rules)

    async def close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _deliver(self, notification: Notification, rules: dict[str, FaultRule]) -> None:
        duplicate = rules.get("duplicate_notification")
        for _ in range(1 + (duplicate.count if duplicate else 0)):
            await self._send(notification)
        await self._release(notification.endpoint_name)

    async def _send(self, notification: Notification) -> None:
        name = notification.endpoint_name
        try:
            await self._aws.publish(notification.topic_arn, json.dumps(notification.document))
        except AwsError as error:
            self._stats.count(name, counts.NOTIFICATION_FAILURES)
            _log.warning("no notification to %s: %s", notification.topic_arn, error)
        else:
            self._stats.count(name, counts.NOTIFICATIONS_SENT)

    def _hold(self, notification: Notification) -> None:
        name = notification.endpoint_name
        self._held.setdefault(name, []).append(notification)
        self._later(_REORDER_SECONDS, self._release(name))

    async def _release(self, endpoint_name: str) -> None:
        for notification in self._held.pop(endpoint_name, []):
            await self._send(notification)

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
