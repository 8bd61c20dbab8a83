"""The control plane's protocol: JSON 1.1, one path, the operation in a header."""

import json
import uuid
from collections.abc import Awaitable
from typing import Any

from aiohttp import web

from penstock_local.sagemaker.api_faults import after_the_call, before_the_call
from penstock_local.sagemaker.constraints import message, violations
from penstock_local.sagemaker.errors import ApiError, not_supported, validation_exception
from penstock_local.sagemaker.features import refuse_unsupported
from penstock_local.sagemaker.operations import Operation
from penstock_local.sagemaker.rates import Rates
from penstock_local.sagemaker.service_model import control_operation_exists, control_request
from penstock_local.sagemaker.services import Services

_CONTENT_TYPE = "application/x-amz-json-1.1"
# ModelDataUrl may be file:// here, which the pattern of its shape forbids.
_LENIENT = frozenset({"Url"})
# The quotas of the General Reference; those of the other operations are not kept here.
_RATES = {
    "CreateTransformJob": "create_transform_jobs_per_second",
    "DescribeTransformJob": "describe_transform_jobs_per_second",
    "ListTransformJobs": "list_transform_jobs_per_second",
}
_SUBJECTS = ("TransformJobName", "InferenceComponentName", "EndpointName", "ModelName")


class ControlApi:
    def __init__(self, operations: dict[str, Operation], services: Services) -> None:
        self._operations = operations
        self._services = services
        self._rates = Rates(services.clock)

    async def handle(self, request: web.Request) -> web.Response:
        try:
            return _answer(200, await self._call(_operation_name(request), request))
        except ApiError as error:
            self._services.stats.error(error.code)
            # Only the runtime throttles without a word.
            message = error.message or "Rate exceeded"
            return _answer(error.status, {"__type": error.code, "message": message})

    async def _call(self, name: str, request: web.Request) -> dict[str, Any]:
        self._services.stats.request(name)
        operation = self._operations.get(name)
        if operation is None:
            if control_operation_exists(name):
                raise not_supported(f"The operation {name}")
            raise ApiError("UnknownOperationException", f"Unknown operation {name}")
        if limit := _RATES.get(name):
            self._rates.check(name, getattr(self._services.limits.now, limit))
        document = _parsed(name, await request.read())
        fault = self._services.faults.draw_for_operation(_subject(document), name, named=True)
        await before_the_call(fault, request)
        answer = operation(document)
        result = await answer if isinstance(answer, Awaitable) else answer
        await after_the_call(fault, request)
        return result


def _operation_name(request: web.Request) -> str:
    service, _, name = request.headers.get("X-Amz-Target", "").partition(".")
    if service != "SageMaker":
        raise ApiError("UnknownOperationException", "The X-Amz-Target header is missing or wrong.")
    return name


def _parsed(name: str, body: bytes) -> dict[str, Any]:
    try:
        request: dict[str, Any] = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The body is no JSON.") from error
    found = violations(control_request(name), request, _LENIENT)
    if found:
        raise validation_exception(message(found))
    refuse_unsupported(name, request)
    return request


def _subject(document: dict[str, Any]) -> str:
    """What a fault rule's `endpoint` is compared with: the name of what the call is about."""
    names = (document.get(member, "") for member in _SUBJECTS)
    return next(filter(None, names), "")


def _answer(status: int, document: dict[str, Any]) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        headers={"Content-Type": _CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4())},
    )
