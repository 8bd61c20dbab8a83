"""An inference pipeline: what one container answers is what the next one is asked.

Guide, `inference-pipelines`: "a sequence of HTTP requests". Which headers go along is not
documented; see `stage_headers`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from penstock_local.sagemaker.container_host import ContainerHost
from penstock_local.sagemaker.model_client import Answer, ModelCall, Rules
from penstock_local.sagemaker.outcomes import is_success

_CONTENT_TYPE = "Content-Type"
_ACCEPT = "Accept"


async def run(containers: Sequence[ContainerHost], call: ModelCall, rules: Rules) -> Answer:
    """The last container's answer, or the first error. The time allowed is that of all together.

    Raises ModelCallError; with a multi-model container also ApiError.
    """
    now = asyncio.get_running_loop().time
    deadline = now() + rules.seconds
    first, *others = stages(call.headers, len(containers))
    answer = await containers[0].invoke(replace(call, headers=first), rules)
    for container, headers in zip(containers[1:], others, strict=True):
        if not is_success(answer.status):
            break
        step = replace(call, headers=typed(headers, answer.content_type), body=answer.body)
        with step.body:
            left = replace(rules, seconds=deadline - now())
            answer = await container.invoke(step, left)
    return answer


def stages(headers: Mapping[str, str], count: int) -> list[dict[str, str]]:
    """The client's headers as each container gets them.

    The content type is that of the client's body, so the first container's; what the client
    accepts is up to the last; the rest goes to all.
    """
    return [
        {
            name: value
            for name, value in headers.items()
            if (name != _CONTENT_TYPE or number == 0) and (name != _ACCEPT or number == count - 1)
        }
        for number in range(count)
    ]


def typed(headers: Mapping[str, str], content_type: str | None) -> dict[str, str]:
    return {**headers, **({_CONTENT_TYPE: content_type} if content_type else {})}
