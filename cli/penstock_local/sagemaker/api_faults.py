"""What an API fault does to the call that it strikes."""

import asyncio
import math

from aiohttp import web

from penstock_local.sagemaker.errors import ApiError
from penstock_local.sagemaker.faults import FaultRule

_POLL_SECONDS = 0.05
_INJECTED: dict[str, tuple[str, str | None, int]] = {
    "throttle": ("ThrottlingException", None, 400),
    "access_denied": ("AccessDeniedException", "injected: not authorized to perform this", 403),
    "internal_failure": ("InternalFailure", "injected internal failure", 500),
    "service_unavailable": ("ServiceUnavailable", "injected unavailability", 503),
    "internal_dependency": ("InternalDependencyException", "injected dependency failure", 530),
    "model_not_ready": ("ModelNotReadyException", "injected: the model is not ready", 429),
}


async def before_the_call(fault: FaultRule | None, request: web.Request) -> None:
    """Raises ApiError for a refused call; a call that hangs has no effect and no answer."""
    if fault is None:
        return
    if fault.fault == "hang":
        await _hold(request, fault.seconds)
    if injected := _INJECTED.get(fault.fault):
        code, message, status = injected
        raise ApiError(code, message, fault.status or status)


async def after_the_call(fault: FaultRule | None, request: web.Request) -> None:
    """A lost answer: the call has had its effect, but its caller never hears of it."""
    if fault and fault.fault == "lost_answer":
        await _hold(request, fault.seconds)


async def _hold(request: web.Request, seconds: float) -> None:
    """Leaves the caller waiting until it gives up or the time is over, then breaks the connection.

    0 seconds: as long as the caller waits. Raises ConnectionResetError, which ends the request.
    """
    now = asyncio.get_running_loop().time
    end = now() + (seconds or math.inf)
    while now() < end and request.transport and not request.transport.is_closing():
        await asyncio.sleep(_POLL_SECONDS)
    if request.transport:
        request.transport.abort()
    raise ConnectionResetError
