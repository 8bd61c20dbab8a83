"""The runtime's protocol: REST, parameters in headers, payload in the body."""

import io
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.api_faults import after_the_call, before_the_call
from penstock_local.sagemaker.component_hosting import ComponentHosting
from penstock_local.sagemaker.endpoint_host import EndpointHost
from penstock_local.sagemaker.errors import ACCOUNT, ApiError, throttled, validation_error
from penstock_local.sagemaker.hosting import Hosting
from penstock_local.sagemaker.invocations import (
    AsyncInvocation,
    failure_location,
    model_headers,
    output_location,
)
from penstock_local.sagemaker.model_client import ModelCall
from penstock_local.sagemaker.real_time import RealTime, payload_limit
from penstock_local.sagemaker.registry import Registry
from penstock_local.sagemaker.routes import Route
from penstock_local.sagemaker.runtime_requests import (
    async_parameters,
    check_payload,
    real_time_parameters,
)
from penstock_local.sagemaker.services import Services
from penstock_local.sagemaker.targets import check_component, check_targets

_ACCEPTED = 202
_MAXIMUM_WAITING = 120_000  # messages in flight of the queue that the service keeps


class RuntimeApi:
    def __init__(
        self,
        registry: Registry,
        hosting: Hosting,
        components: ComponentHosting,
        services: Services,
    ) -> None:
        self._registry = registry
        self._hosting = hosting
        self._components = components
        self._services = services

    async def invoke_async(self, request: web.Request) -> web.Response:
        return await self._guarded("InvokeEndpointAsync", request, self._invoke_async)

    async def invoke(self, request: web.Request) -> web.Response:
        return await self._guarded("InvokeEndpoint", request, self._invoke)

    async def invoke_stream(self, request: web.Request) -> web.Response:
        return await self._guarded("InvokeEndpointWithResponseStream", request, _refuse_stream)

    async def _guarded(
        self,
        operation: str,
        request: web.Request,
        handler: Callable[[str, web.Request], Awaitable[web.Response]],
    ) -> web.Response:
        name = request.match_info["name"]
        self._services.stats.request(operation)
        fault = self._services.faults.draw_for_operation(name, operation, named=False)
        try:
            await before_the_call(fault, request)
            response = await handler(name, request)
        except ApiError as error:
            response = _error(error)
        await after_the_call(fault, request)
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response

    async def _invoke_async(self, name: str, request: web.Request) -> web.Response:
        body = await request.read()
        parameters = async_parameters(name, request.headers, body)
        host = self._serving(name)
        settings = host.endpoint.config.asynchronous
        if settings is None:
            raise validation_error(
                f"Endpoint {name} has no AsyncInferenceConfig: use InvokeEndpoint."
            )
        if len(host.backlog) >= _MAXIMUM_WAITING:
            raise throttled()
        object_id = str(uuid.uuid4())
        invocation = AsyncInvocation(
            endpoint_name=name,
            inference_id=parameters.get("InferenceId", str(uuid.uuid4())),
            parameters=parameters,
            body=body or None,
            received=self._services.clock.now(),
            output_location=output_location(settings, parameters, object_id),
            failure_location=failure_location(settings, object_id),
        )
        host.backlog.put(invocation)
        self._services.stats.count(name, counts.ACCEPTED)
        return _accepted(invocation)

    async def _invoke(self, name: str, request: web.Request) -> web.Response:
        body = await request.read()
        parameters = real_time_parameters(name, request.headers)
        host = self._serving(name)
        check_payload(body, payload_limit(host.endpoint, self._services.limits.now))
        if host.endpoint.config.asynchronous:
            raise validation_error(
                f"Endpoint {name} has an AsyncInferenceConfig: use InvokeEndpointAsync."
            )
        headers = model_headers(parameters, parameters.get("InferenceId"))
        route = self._route(host, parameters)
        check_targets(route.endpoint, route.model, parameters)
        target_model = parameters.get("TargetModel")
        container = parameters.get("TargetContainerHostname")
        call = ModelCall(headers, io.BytesIO(body), target_model, container)
        return await RealTime(self._services, route).invoke(call)

    def _route(self, host: EndpointHost, parameters: dict[str, Any]) -> Route:
        check_component(host.endpoint, parameters)
        component = parameters.get("InferenceComponentName")
        if component:
            return self._components.route(host.endpoint, component)
        return host.route(parameters.get("TargetVariant"))

    def _serving(self, name: str) -> EndpointHost:
        endpoint = self._registry.find_endpoint(name)
        host = self._hosting.find(name)
        # An endpoint that isn't in service gets the same answer as one that doesn't exist.
        if not endpoint or not endpoint.serves or not host:
            raise validation_error(f"Endpoint {name} of account {ACCOUNT} not found.")
        return host


async def _refuse_stream(_: str, __: web.Request) -> web.Response:
    raise validation_error(
        "InvokeEndpointWithResponseStream is not supported by the local SageMaker yet."
    )


def _accepted(invocation: AsyncInvocation) -> web.Response:
    headers = {"X-Amzn-SageMaker-OutputLocation": invocation.output_location}
    if invocation.failure_location:
        headers["X-Amzn-SageMaker-FailureLocation"] = invocation.failure_location
    document = {"InferenceId": invocation.inference_id}
    return web.json_response(document, status=_ACCEPTED, headers=headers)


def _error(error: ApiError) -> web.Response:
    member = "message" if error.message is None else "Message"
    return web.json_response(
        {member: error.message, **error.members},
        status=error.status,
        headers={"x-amzn-ErrorType": error.code},
    )
