"""Invokes an instance, or has the invocation go wrong as a fault rule says."""

import asyncio
import io
from dataclasses import replace

from penstock_local.sagemaker import stats as counts
from penstock_local.sagemaker.faults import MODEL_FAULTS, FaultRule
from penstock_local.sagemaker.instance import Instance
from penstock_local.sagemaker.model_client import Answer, ModelCall, ModelTimedOutError, Rules
from penstock_local.sagemaker.services import Services

_MODEL_ERROR_STATUS = 500


async def call_model(
    services: Services, instance: Instance, name: str, call: ModelCall, rules: Rules
) -> Answer:
    """Raises what `Instance.invoke` raises. A slow model's delay counts as processing time.

    `name` is that of the endpoint or of the job, for fault rules and counts.
    """
    faults = {fault.fault: fault for fault in services.faults.draw(name, MODEL_FAULTS)}
    container = call.container or instance.containers[0].name
    if "model_timeout" in faults:
        raise ModelTimedOutError(container)
    if error := faults.get("model_error"):
        return _injected_answer(error, container)
    left = await _slow_down(faults.get("slow_model"), container, rules)
    services.stats.count(name, counts.MODEL_INVOCATIONS)
    return await instance.invoke(call, left)


def _injected_answer(error: FaultRule, container: str) -> Answer:
    body = io.BytesIO(error.body.encode())
    return Answer(error.status or _MODEL_ERROR_STATUS, "text/plain", None, body, container)


async def _slow_down(slow: FaultRule | None, container: str, rules: Rules) -> Rules:
    if slow is None:
        return rules
    await asyncio.sleep(min(slow.seconds, rules.seconds))
    if slow.seconds >= rules.seconds:
        raise ModelTimedOutError(container)
    return replace(rules, seconds=rules.seconds - slow.seconds)
