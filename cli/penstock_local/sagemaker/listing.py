"""Filters, order and pages of the List operations. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock_local.sagemaker.errors import validation_exception

_DEFAULT_PAGE = 10
_Test = Callable[[Any, Any], bool]


@dataclass(frozen=True)
class Kind:
    """What the list of one kind of resource and the members of its items are called."""

    items: str
    name: str
    status: str = ""


MODELS = Kind("Models", "ModelName")
CONFIGS = Kind("EndpointConfigs", "EndpointConfigName")
ENDPOINTS = Kind("Endpoints", "EndpointName", "EndpointStatus")
TRANSFORM_JOBS = Kind("TransformJobSummaries", "TransformJobName", "TransformJobStatus")
COMPONENTS = Kind("InferenceComponents", "InferenceComponentName", "InferenceComponentStatus")

# request member -> (summary member, test(of the summary's value, the request's value))
_FILTERS: dict[str, tuple[str, _Test]] = {
    "CreationTimeBefore": ("CreationTime", lambda value, limit: value < limit),
    "CreationTimeAfter": ("CreationTime", lambda value, limit: value > limit),
    "LastModifiedTimeBefore": ("LastModifiedTime", lambda value, limit: value < limit),
    "LastModifiedTimeAfter": ("LastModifiedTime", lambda value, limit: value > limit),
    "EndpointNameEquals": ("EndpointName", lambda value, name: value == name),
    "VariantNameEquals": ("VariantName", lambda value, name: value == name),
}


def page(kind: Kind, summaries: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    found = [item for item in summaries if _matches(kind, item, request)]
    found.sort(key=lambda item: item[_sort_member(kind, request)])
    if request.get("SortOrder", "Descending") == "Descending":
        found.reverse()
    start = _offset(request.get("NextToken"))
    end = start + request.get("MaxResults", _DEFAULT_PAGE)
    answer: dict[str, Any] = {kind.items: found[start:end]}
    if end < len(found):
        answer["NextToken"] = str(end)
    return answer


def _matches(kind: Kind, item: dict[str, Any], request: dict[str, Any]) -> bool:
    if request.get("NameContains", "").lower() not in item[kind.name].lower():
        return False
    if request.get("StatusEquals") not in (None, item.get(kind.status)):
        return False
    return all(
        test(item[member], request[name])
        for name, (member, test) in _FILTERS.items()
        if request.get(name) is not None
    )


def _sort_member(kind: Kind, request: dict[str, Any]) -> str:
    sort_by: str = request.get("SortBy", "CreationTime")
    return {"Name": kind.name, "Status": kind.status}.get(sort_by, sort_by)


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise validation_exception("Invalid NextToken.")
    return int(token)
