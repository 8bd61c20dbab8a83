"""The SNS messages, field by field as the service sends them. Pure."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from penstock_local.sagemaker.invocations import AsyncInvocation
from penstock_local.sagemaker.outcomes import Completed, Failed
from penstock_local.sagemaker.resources import AsyncSettings

INCLUDED_RESPONSE_BYTES = 128 * 1024
_RESPONSE_MESSAGE = "Check S3 path location(if configured) or Cloudwatch for additional details."


@dataclass(frozen=True)
class Delivery:
    topic_arn: str
    include_response: bool


def delivery(settings: AsyncSettings, outcome: Completed | Failed) -> Delivery | None:
    """Where the outcome is announced; None if no topic is configured for it."""
    topic, included = settings.error_topic, "ERROR_NOTIFICATION_TOPIC"
    if isinstance(outcome, Completed):
        topic, included = settings.success_topic, "SUCCESS_NOTIFICATION_TOPIC"
    if topic is None:
        return None
    return Delivery(topic, include_response=included in settings.include_response_in)


def document(
    invocation: AsyncInvocation, outcome: Completed | Failed, region: str, now: float
) -> dict[str, Any]:
    """The message without the response body."""
    message: dict[str, Any] = {
        "awsRegion": region,
        "eventTime": _timestamp(now),
        "receivedTime": _timestamp(invocation.received),
        "invocationStatus": "Completed" if isinstance(outcome, Completed) else "Failed",
    }
    if isinstance(outcome, Failed):
        message["failureReason"] = outcome.reason
    message["requestParameters"] = _request_parameters(invocation)
    if isinstance(outcome, Completed):
        message["responseParameters"] = _response_parameters(invocation, outcome)
    return {
        **message,
        "inferenceId": invocation.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def response_body(content: bytes | None) -> dict[str, str]:
    """The `responseBody` member; None stands for a response that is too large to include."""
    included = {} if content is None else {"content": base64.b64encode(content).decode()}
    return {**included, "message": _RESPONSE_MESSAGE, "encoding": "BASE64"}


def _request_parameters(invocation: AsyncInvocation) -> dict[str, str]:
    given = {
        "accept": invocation.parameters.get("Accept"),
        "contentType": invocation.parameters.get("ContentType"),
        "customAttributes": invocation.parameters.get("CustomAttributes"),
        "endpointName": invocation.endpoint_name,
        "inputLocation": invocation.input_location,
    }
    return {name: value for name, value in given.items() if value}


def _response_parameters(invocation: AsyncInvocation, outcome: Completed) -> dict[str, str]:
    location = {"outputLocation": invocation.output_location}
    return {"contentType": outcome.content_type, **location} if outcome.content_type else location


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
