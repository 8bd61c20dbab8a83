"""Delivers an event as the default bus would: to the queues of the rules that it matches.

No PutEvents: neither AWS nor an emulator takes events whose source begins with "aws.".
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from penstock_local.sagemaker.event_pattern import PatternError, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import RuleTypeDef, TargetOutputTypeDef
    from mypy_boto3_sqs import SQSClient

_log = logging.getLogger(__name__)
_CHANGED_INPUT = ("InputPath", "InputTransformer")


class EventBus:
    """Raises what boto3 raises."""

    def __init__(self, events: EventBridgeClient, sqs: SQSClient) -> None:
        self._events = events
        self._sqs = sqs

    def deliver(self, event: dict[str, Any]) -> int:
        """To how many queues it went."""
        targets = [target for rule in self._rules(event) for target in self._targets(rule)]
        return sum(self._send(target, event) for target in targets)

    def _rules(self, event: dict[str, Any]) -> Iterator[str]:
        for page in self._events.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                if rule.get("State") != "DISABLED" and _matches(rule, event):
                    yield rule["Name"]

    def _targets(self, rule: str) -> list[TargetOutputTypeDef]:
        pages = self._events.get_paginator("list_targets_by_rule").paginate(Rule=rule)
        return [target for page in pages for target in page["Targets"]]

    def _send(self, target: TargetOutputTypeDef, event: dict[str, Any]) -> bool:
        _, _, service, *_, queue = target["Arn"].split(":")
        changed = [name for name in _CHANGED_INPUT if target.get(name)]
        if service != "sqs" or changed:
            what = changed[0] if changed else service
            _log.warning("no event to %s: %s is not supported here", target["Arn"], what)
            return False
        message: dict[str, Any] = {"MessageBody": target.get("Input") or json.dumps(event)}
        if group := (target.get("SqsParameters") or {}).get("MessageGroupId"):
            message["MessageGroupId"] = group
        url = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        self._sqs.send_message(QueueUrl=url, **message)
        return True


def _matches(rule: RuleTypeDef, event: dict[str, Any]) -> bool:
    pattern = rule.get("EventPattern")
    try:
        return bool(pattern) and matches(pattern or "", event)
    except PatternError as error:
        _log.warning("rule %s gets no events of the local SageMaker: %s", rule["Name"], error)
        return False
