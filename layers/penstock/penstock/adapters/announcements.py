"""Word to the user, through SNS and EventBridge."""

import json
import re
from dataclasses import dataclass
from typing import Any

from penstock.adapters.aws import translated
from penstock.domain.errors import RetryableError

EVENT_SOURCE = "penstock"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SNS and SQS refuse (SQS API Reference, SendMessage). Names in S3 may have them."""


@dataclass(frozen=True, slots=True)
class AwsAnnouncer:
    """Announcer over an SNS and an EventBridge client."""

    sns: Any
    events: Any
    success_topic: str
    failure_topic: str
    event_bus: str

    def announce_job(self, summary: dict[str, Any], *, successful: bool) -> None:
        attributes = {name: summary[name] for name in ("pipeline", "status", "job_id")}
        topic = self.success_topic if successful else self.failure_topic
        self._publish(topic, f"Penstock job {summary['status']}", summary, attributes)
        self._put_event(f"Job {summary['status'].capitalize()}", summary)

    def announce_bad_pipeline(self, report: dict[str, Any]) -> None:
        attributes = {"pipeline": report["pipeline"], "status": "INVALID_PIPELINE"}
        self._publish(self.failure_topic, "Penstock pipeline invalid", report, attributes)
        self._put_event("Pipeline Invalid", report)

    def _publish(
        self, topic: str, subject: str, document: dict[str, Any], attributes: dict[str, str]
    ) -> None:
        with translated(topic):
            self.sns.publish(
                TopicArn=topic,
                Subject=subject,
                Message=_dumps(document),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": _takable(value)}
                    for name, value in attributes.items()
                },
            )

    def _put_event(self, detail_type: str, detail: dict[str, Any]) -> None:
        entry = {
            "Source": EVENT_SOURCE,
            "DetailType": detail_type,
            "Detail": _dumps(detail),
            "EventBusName": self.event_bus,
        }
        with translated(self.event_bus):
            answer = self.events.put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise RetryableError("PutEventsFailed", str(answer["Entries"]))


def _takable(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _dumps(document: dict[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False)
    return _NOT_XML.sub(lambda found: json.dumps(found[0])[1:-1], text)
