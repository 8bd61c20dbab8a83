"""InvokeEndpoint: the answer or the model's error goes straight back."""

from collections.abc import Mapping

from aiohttp import web

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.endpoint_host import EndpointHost
from penstock_local.sagemaker.errors import ACCOUNT, ApiError
from penstock_local.sagemaker.injection import call_model
from penstock_local.sagemaker.model_client import (
    Answer,
    ModelAnswerError,
    ModelTimedOutError,
    ModelUnreachableError,
    Rules,
    Spool,
)
from penstock_local.sagemaker.outcomes import (
    NO_ANSWER_STATUS,
    TIMED_OUT_TEXT,
    is_success,
    no_answer_text,
)
from penstock_local.sagemaker.services import Services

_MODEL_ERROR_STATUS = 424
_ORIGINAL_MESSAGE_CHARACTERS = 2048
_CLIENT_ERRORS = range(400, 500)


async def invoke_real_time(
    services: Services, host: EndpointHost, request: tuple[Mapping[str, str], Spool]
) -> web.Response:
    """Raises ApiError with code ModelError for whatever the model does wrong."""
    name = host.endpoint.name
    try:
        answer = await _call(services, host, request)
        with answer.body as body:
            content = body.read()
        if not is_success(answer.status):
            raise _model_error(services, host, answer.status, content.decode(errors="replace"))
    except ApiError:
        services.stats.count(name, counts.FAILED)
        raise
    services.stats.count(name, counts.COMPLETED)
    return _response(host, answer, content)


async def _call(
    services: Services, host: EndpointHost, request: tuple[Mapping[str, str], Spool]
) -> Answer:
    name = host.endpoint.name
    limits = services.limits.now
    rules = Rules(limits.invocation_seconds, limits.real_time_payload_bytes, require_length=False)
    server = host.least_busy()
    if server is None:
        raise _model_error(services, host, NO_ANSWER_STATUS, no_answer_text(name))
    try:
        return await call_model(services, server, name, request, rules)
    except ModelTimedOutError as error:
        raise _model_error(services, host, NO_ANSWER_STATUS, TIMED_OUT_TEXT) from error
    except ModelUnreachableError as error:
        raise _model_error(services, host, NO_ANSWER_STATUS, no_answer_text(name)) from error
    except ModelAnswerError as error:
        raise _model_error(services, host, NO_ANSWER_STATUS, str(error)) from error


def _model_error(services: Services, host: EndpointHost, status: int, text: str) -> ApiError:
    side = "client" if status in _CLIENT_ERRORS else "server"
    group = f"/aws/sagemaker/Endpoints/{host.endpoint.name}"
    original = text[:_ORIGINAL_MESSAGE_CHARACTERS]
    return ApiError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{original}". See {group} in '
        f"account {ACCOUNT} for more information. (Local logs: {host.log_file})",
        _MODEL_ERROR_STATUS,
        {
            "OriginalStatusCode": status,
            "OriginalMessage": original,
            "LogStreamArn": f"arn:aws:logs:{services.region}:{ACCOUNT}:log-group:{group}",
        },
    )


def _response(host: EndpointHost, answer: Answer, content: bytes) -> web.Response:
    headers = {"x-Amzn-Invoked-Production-Variant": host.endpoint.config.variant["VariantName"]}
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    if answer.custom_attributes:
        headers["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
    return web.Response(body=content, headers=headers)
