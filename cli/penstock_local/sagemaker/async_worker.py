"""Carries one asynchronous invocation from the queue to its notification."""

import asyncio
import functools
import io
import json
import logging
from typing import Any

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.aws import AwsError
from penstock_local.sagemaker.faults import NOTIFICATION_FAULTS
from penstock_local.sagemaker.injection import call_model
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.invocations import AsyncInvocation, model_headers
from penstock_local.sagemaker.model_client import (
    Answer,
    ModelAnswerError,
    ModelCall,
    ModelTimedOutError,
    ModelUnreachableError,
    Rules,
    Spool,
    size_of,
)
from penstock_local.sagemaker.notifications import (
    INCLUDED_RESPONSE_BYTES,
    Delivery,
    delivery,
    document,
    response_body,
)
from penstock_local.sagemaker.outcomes import (
    Completed,
    Failed,
    bad_answer,
    expired,
    input_unavailable,
    internal_error,
    is_success,
    model_failure_reason,
    no_answer,
    output_unavailable,
    timed_out,
)
from penstock_local.sagemaker.publisher import Message
from penstock_local.sagemaker.resources import AsyncSettings
from penstock_local.sagemaker.services import Services

_log = logging.getLogger(__name__)
MAXIMUM_PAYLOAD_BYTES = 1024**3


class AsyncWorker:
    def __init__(self, services: Services, settings: AsyncSettings) -> None:
        self._services = services
        self._settings = settings

    async def process(self, invocation: AsyncInvocation, instance: Instance) -> None:
        if invocation.expires <= self._services.clock.now():
            await self.expire(invocation)
            return
        try:
            answer = await self._answer(invocation, instance)
        except AwsError as error:
            location = invocation.input_location or ""
            await self._fail(invocation, input_unavailable(location, str(error)))
        except ModelTimedOutError as error:
            await self._fail(invocation, timed_out(error.container))
        except ModelUnreachableError:
            await self._fail(invocation, no_answer(invocation.endpoint_name))
        except ModelAnswerError as error:
            await self._fail(invocation, bad_answer(str(error)))
        else:
            with answer.body:
                await self._settle(invocation, answer)

    async def fail_internally(self, invocation: AsyncInvocation) -> None:
        await self._fail(invocation, internal_error())

    async def expire(self, invocation: AsyncInvocation) -> None:
        await self._fail(invocation, expired(invocation.expires - invocation.received))

    async def _answer(self, invocation: AsyncInvocation, instance: Instance) -> Answer:
        headers = model_headers(invocation.parameters, invocation.inference_id)
        rules = Rules(invocation.timeout, MAXIMUM_PAYLOAD_BYTES, require_length=True)
        with await self._input(invocation) as body:
            call = ModelCall(headers, body)
            return await call_model(self._services, instance, invocation.endpoint_name, call, rules)

    async def _input(self, invocation: AsyncInvocation) -> Spool:
        if invocation.body is not None:
            return io.BytesIO(invocation.body)
        location = invocation.input_location or ""
        return await self._services.aws.fetch(location, MAXIMUM_PAYLOAD_BYTES)

    async def _settle(self, invocation: AsyncInvocation, answer: Answer) -> None:
        if not is_success(answer.status):
            failure = Failed(model_failure_reason(answer.status), "", answer.content_type)
            await self._fail(invocation, failure, answer.body)
            return
        try:
            await self._store(invocation.output_location, answer.body, answer.content_type)
        except AwsError as error:
            await self._fail(invocation, output_unavailable(invocation.output_location, str(error)))
            return
        self._count(invocation, counts.COMPLETED)
        await self._notify(invocation, Completed(answer.content_type), answer.body)

    async def _fail(
        self, invocation: AsyncInvocation, outcome: Failed, body: Spool | None = None
    ) -> None:
        content = body or io.BytesIO(outcome.text.encode())
        _log.info("%s failed: %s", invocation.inference_id, outcome.reason)
        if invocation.failure_location:
            try:
                await self._store(invocation.failure_location, content, outcome.content_type)
            except AwsError as error:
                _log.warning("no failure object %s: %s", invocation.failure_location, error)
        self._count(invocation, counts.EXPIRED if outcome.expired else counts.FAILED)
        await self._notify(invocation, outcome, content)

    async def _store(self, location: str, body: Spool, content_type: str | None) -> None:
        extra: dict[str, Any] = {"ContentType": content_type} if content_type else {}
        if self._settings.kms_key_id:
            extra["ServerSideEncryption"] = "aws:kms"
            extra["SSEKMSKeyId"] = self._settings.kms_key_id
        await self._services.aws.store(location, body, extra)

    async def _notify(
        self, invocation: AsyncInvocation, outcome: Completed | Failed, body: Spool
    ) -> None:
        target = delivery(self._settings, outcome)
        if target is None:
            return
        now = self._services.clock.now()
        message = document(invocation, outcome, self._services.region, now)
        message |= _included(target, body)
        send = functools.partial(self._services.aws.publish, target.topic_arn, json.dumps(message))
        await self._services.publisher.publish(
            Message(invocation.endpoint_name, send, NOTIFICATION_FAULTS)
        )

    def _count(self, invocation: AsyncInvocation, what: str) -> None:
        self._services.stats.count(invocation.endpoint_name, what)


def _included(target: Delivery, body: Spool) -> dict[str, Any]:
    if not target.include_response:
        return {}
    if size_of(body) > INCLUDED_RESPONSE_BYTES:
        return {"responseBody": response_body(None)}
    body.seek(0)
    return {"responseBody": response_body(body.read())}


async def cancel_all(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
