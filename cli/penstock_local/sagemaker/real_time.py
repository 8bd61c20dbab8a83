"""InvokeEndpoint: the answer or the model's error goes straight back."""

import asyncio

from aiohttp import web

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.errors import ACCOUNT, ApiError
from penstock_local.sagemaker.injection import call_model
from penstock_local.sagemaker.limits import Limits
from penstock_local.sagemaker.model_client import (
    Answer,
    ModelAnswerError,
    ModelCall,
    ModelTimedOutError,
    ModelUnreachableError,
    Rules,
)
from penstock_local.sagemaker.outcomes import (
    NO_ANSWER_STATUS,
    is_success,
    no_answer_text,
    timed_out_text,
)
from penstock_local.sagemaker.pool import NoInstanceError
from penstock_local.sagemaker.resources import Endpoint
from penstock_local.sagemaker.routes import Route
from penstock_local.sagemaker.services import Services

_MODEL_ERROR_STATUS = 424
_ORIGINAL_MESSAGE_CHARACTERS = 2048
_CLIENT_ERRORS = range(400, 500)


def payload_limit(endpoint: Endpoint, limits: Limits) -> int:
    """Of a request and of its answer, in bytes."""
    if endpoint.config.serverless:
        return limits.serverless_payload_bytes
    return limits.real_time_payload_bytes


class RealTime:
    """One invocation of one endpoint."""

    def __init__(self, services: Services, route: Route) -> None:
        self._services = services
        self._route = route
        self._name = route.endpoint.name
        self._limits = services.limits.now
        self._maximum_bytes = payload_limit(route.endpoint, self._limits)

    async def invoke(self, call: ModelCall) -> web.Response:
        """Raises ApiError with code ModelError for whatever the model does wrong."""
        answer = await self._answer(call)
        with answer.body as body:
            content = body.read()
        if not is_success(answer.status):
            text = content.decode(errors="replace")
            raise self._model_error(answer.container, answer.status, text)
        self._services.stats.count(self._name, counts.COMPLETED)
        return self._response(answer, content)

    async def _answer(self, call: ModelCall) -> Answer:
        seconds, now = self._limits.invocation_seconds, asyncio.get_running_loop().time
        deadline = now() + seconds
        try:
            async with self._route.capacity.instance(call.target_model, seconds) as instance:
                self._services.stats.count(self._name, counts.ACCEPTED)
                rules = Rules(deadline - now(), self._maximum_bytes, require_length=False)
                return await call_model(self._services, instance, self._name, call, rules)
        except NoInstanceError as error:
            raise self._no_answer("primary", no_answer_text(self._name)) from error
        except ModelTimedOutError as error:
            raise self._no_answer(error.container, timed_out_text(error.container)) from error
        except ModelUnreachableError as error:
            raise self._no_answer(error.container, no_answer_text(self._name)) from error
        except ModelAnswerError as error:
            raise self._no_answer(error.container, str(error)) from error

    def _no_answer(self, container: str, text: str) -> ApiError:
        return self._model_error(container, NO_ANSWER_STATUS, text)

    def _model_error(self, container: str, status: int, text: str) -> ApiError:
        self._services.stats.count(self._name, counts.FAILED)
        side = "client" if status in _CLIENT_ERRORS else "server"
        group = f"/aws/sagemaker/Endpoints/{self._name}"
        original = text[:_ORIGINAL_MESSAGE_CHARACTERS]
        return ApiError(
            "ModelError",
            f'Received {side} error ({status}) from {container} with message "{original}". '
            f"See {group} in account {ACCOUNT} for more information. "
            f"(Local logs: {self._route.log_file})",
            _MODEL_ERROR_STATUS,
            {
                "OriginalStatusCode": status,
                "OriginalMessage": original,
                "LogStreamArn": f"arn:aws:logs:{self._services.region}:{ACCOUNT}:log-group:{group}",
            },
        )

    def _response(self, answer: Answer, content: bytes) -> web.Response:
        headers = {"x-Amzn-Invoked-Production-Variant": self._route.variant}
        if answer.content_type:
            headers["Content-Type"] = answer.content_type
        if answer.custom_attributes:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
        return web.Response(body=content, headers=headers)
