"""How many requests a transform job makes at a time, and how large. Pure.

Guide, `your-algorithms-batch-code`: the request of the job prevails, then what the container
answers to /execution-parameters, then the defaults.
"""

import json
from dataclasses import dataclass
from typing import Any

_MEGABYTE = 1024 * 1024
MAXIMUM_MEGABYTES = 100  # of one payload, and of all that are under way on an instance
_DEFAULT_CONCURRENT = 1
_DEFAULT_MEGABYTES = 6
_STRATEGIES = {"MULTI_RECORD": "MultiRecord", "SINGLE_RECORD": "SingleRecord"}


@dataclass(frozen=True)
class TransformSettings:
    """`max_payload_mb` 0: no limit, and the payload is sent in chunks."""

    max_concurrent: int
    max_payload_mb: int
    batch_strategy: str

    @property
    def maximum_bytes(self) -> int | None:
        return self.max_payload_mb * _MEGABYTE or None

    @property
    def single_record(self) -> bool:
        return self.batch_strategy == "SingleRecord"

    @property
    def is_too_much(self) -> bool:
        return self.max_concurrent * self.max_payload_mb > MAXIMUM_MEGABYTES

    def __str__(self) -> str:
        strategy = {api: own for own, api in _STRATEGIES.items()}[self.batch_strategy]
        return (
            f"MaxConcurrentTransforms={self.max_concurrent}, "
            f"MaxPayloadInMB={self.max_payload_mb}, BatchStrategy={strategy}"
        )


def settings(request: dict[str, Any], of_container: dict[str, Any]) -> TransformSettings:
    return TransformSettings(
        max_concurrent=request.get("MaxConcurrentTransforms")
        or of_container.get("MaxConcurrentTransforms")
        or _DEFAULT_CONCURRENT,
        max_payload_mb=_first(
            request.get("MaxPayloadInMB"), of_container.get("MaxPayloadInMB"), _DEFAULT_MEGABYTES
        ),
        batch_strategy=request.get("BatchStrategy")
        or of_container.get("BatchStrategy")
        or "MultiRecord",
    )


def execution_parameters(body: bytes) -> dict[str, Any]:
    """What the container asks for, in the API's spelling; what can't be meant is left out."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    numbers = ("MaxConcurrentTransforms", "MaxPayloadInMB")
    found = {name: document[name] for name in numbers if _is_count(document.get(name))}
    if strategy := _STRATEGIES.get(str(document.get("BatchStrategy"))):
        found["BatchStrategy"] = strategy
    return found


def container_environment(request: dict[str, Any]) -> dict[str, str]:
    """What the job adds to that of the model; the limits only "if the user sets them"."""
    own = {name: value for value, name in _STRATEGIES.items()}
    given = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": request.get("MaxPayloadInMB"),
        "SAGEMAKER_BATCH_STRATEGY": own.get(request.get("BatchStrategy", "")),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": request.get("MaxConcurrentTransforms"),
    }
    limits = {name: str(value) for name, value in given.items() if value is not None}
    return {"SAGEMAKER_BATCH": "true", **limits}


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
