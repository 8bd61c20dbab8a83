"""The control plane's protocol: JSON 1.1, one path, the operation in a header."""

import json
import uuid
from typing import Any

from aiohttp import web

from penstock_local.sagemaker.constraints import message, violations
from penstock_local.sagemaker.control_operations import Operation
from penstock_local.sagemaker.errors import ApiError, not_supported, validation_exception
from penstock_local.sagemaker.features import refuse_unsupported
from penstock_local.sagemaker.service_model import control_operation_exists, control_request
from penstock_local.sagemaker.stats import Stats

_CONTENT_TYPE = "application/x-amz-json-1.1"
# ModelDataUrl may be file:// here, which the pattern of its shape forbids.
_LENIENT = frozenset({"Url"})


class ControlApi:
    def __init__(self, operations: dict[str, Operation], stats: Stats) -> None:
        self._operations = operations
        self._stats = stats

    async def handle(self, request: web.Request) -> web.Response:
        try:
            return _answer(200, self._call(_operation_name(request), await request.read()))
        except ApiError as error:
            return _answer(
                error.status, {"__type": error.code, "message": error.message, **error.members}
            )

    def _call(self, name: str, body: bytes) -> dict[str, Any]:
        self._stats.request(name)
        operation = self._operations.get(name)
        if operation is None:
            if control_operation_exists(name):
                raise not_supported(f"The operation {name}")
            raise ApiError("UnknownOperationException", f"Unknown operation {name}")
        return operation(_parsed(name, body))


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


def _answer(status: int, document: dict[str, Any]) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        headers={"Content-Type": _CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4())},
    )
