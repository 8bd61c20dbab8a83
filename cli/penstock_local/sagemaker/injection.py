"""Calls a model server, or has the call go wrong as a fault rule says."""

import asyncio
import io
from collections.abc import Mapping

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.faults import MODEL_FAULTS, FaultRule
from penstock_local.sagemaker.model_client import (
    Answer,
    ModelTimedOutError,
    Rules,
    Spool,
    invoke,
)
from penstock_local.sagemaker.model_server import ModelServer
from penstock_local.sagemaker.services import Services

_MODEL_ERROR_STATUS = 500


async def call_model(
    services: Services,
    server: ModelServer,
    endpoint_name: str,
    request: tuple[Mapping[str, str], Spool],
    rules: Rules,
) -> Answer:
    """Raises what `model_client.invoke` raises. A slow model's delay counts as processing time."""
    faults = {fault.fault: fault for fault in services.faults.draw(endpoint_name, MODEL_FAULTS)}
    if "model_timeout" in faults:
        raise ModelTimedOutError
    if error := faults.get("model_error"):
        return _injected_answer(error)
    left = await _slow_down(faults.get("slow_model"), rules)
    services.stats.count(endpoint_name, counts.MODEL_INVOCATIONS)
    server.in_flight += 1
    try:
        return await invoke(services.session, server.url, *request, left)
    finally:
        server.in_flight -= 1


def _injected_answer(error: FaultRule) -> Answer:
    return Answer(
        error.status or _MODEL_ERROR_STATUS, "text/plain", None, io.BytesIO(error.body.encode())
    )


async def _slow_down(slow: FaultRule | None, rules: Rules) -> Rules:
    if slow is None:
        return rules
    await asyncio.sleep(min(slow.seconds, rules.seconds))
    if slow.seconds >= rules.seconds:
        raise ModelTimedOutError
    return Rules(rules.seconds - slow.seconds, rules.maximum_bytes, rules.require_length)
