"""Checks a request against botocore's service model, in the service's own words. Pure.

boto3 checks only required members, types and minima before it sends a request. The service also
checks maxima, patterns and enums, and so do we.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from penstock_local.sagemaker.errors import ApiError

# The models hold Java regular expressions; these are the classes that Python's `re` lacks. In the
# operations of this server the first stands alone, the others stand inside brackets.
_JAVA_CLASSES = (
    (r"\p{ASCII}", r"[\x00-\x7F]"),
    (r"\p{Print}", r"\x20-\x7E"),
    (r"\p{L}", r"\w"),
    (r"\p{N}", r"\d"),
    (r"\p{Z}", r"\s"),
    (r"\z", r"\Z"),
)
_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str, datetime),
    "blob": (bytes, str),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}


class _Checker:
    """Collects the violations of one request. `lenient` names shapes whose pattern is ignored."""

    def __init__(self, lenient: frozenset[str]) -> None:
        self._lenient = lenient

    def check(self, shape: Shape, value: Any, path: str) -> Iterator[str]:
        _require_type(shape, value, path)
        yield from (_violation(shape, value, path, rule) for rule in self._broken(shape, value))
        if isinstance(shape, StructureShape):
            yield from self._structure(shape, value, path)
        elif isinstance(shape, ListShape):
            for number, item in enumerate(value, start=1):
                yield from self.check(shape.member, item, f"{path}.{number}.member")
        elif isinstance(shape, MapShape):
            yield from self._map(shape, value, path)

    def _structure(self, shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
        for name in shape.required_members:
            if value.get(name) is None:
                yield _violation(shape.members[name], None, _join(path, name), "not be null")
        for name, item in value.items():
            if name not in shape.members:
                raise ApiError("ValidationException", f"{name} is unknown to the local SageMaker.")
            if item is not None:
                yield from self.check(shape.members[name], item, _join(path, name))

    def _map(self, shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
        for key, item in value.items():
            _require_type(shape.value, item, path)
            for kind, member, part in (("keys", shape.key, key), ("value", shape.value, item)):
                for rule in self._broken(member, part):
                    constraint = f"Map {kind} must satisfy constraint: [Member must {rule}]"
                    yield _violation(shape, value, path, constraint)

    def _broken(self, shape: Shape, value: Any) -> Iterator[str]:
        yield from _broken_bounds(shape, value)
        pattern = shape.metadata.get("pattern")
        if pattern and shape.name not in self._lenient and not _compiled(pattern).fullmatch(value):
            yield f"satisfy regular expression pattern: {pattern}"
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            yield f"satisfy enum value set: [{', '.join(enum)}]"


def violations(
    shape: Shape, request: dict[str, Any], lenient: frozenset[str] = frozenset()
) -> list[str]:
    return list(_Checker(lenient).check(shape, request, ""))


def message(found: list[str]) -> str:
    plural = "s" if len(found) > 1 else ""
    return f"{len(found)} validation error{plural} detected: {'; '.join(found)}"


def _broken_bounds(shape: Shape, value: Any) -> Iterator[str]:
    noun, size = _measure(shape, value)
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if size is not None and low is not None and size < low:
        yield f"have {noun} greater than or equal to {low}"
    if size is not None and high is not None and size > high:
        yield f"have {noun} less than or equal to {high}"


def _measure(shape: Shape, value: Any) -> tuple[str, float | None]:
    if shape.type_name in ("integer", "long", "float", "double"):
        return "value", value
    if shape.type_name in ("string", "blob", "list", "map"):
        return "length", len(value)
    return "value", None


def _violation(shape: Shape, value: Any, path: str, rule: str) -> str:
    must = rule if rule.startswith("Map") else f"Member must {rule}"
    return f"Value {_shown(shape, value)}at '{path}' failed to satisfy constraint: {must}"


def _shown(shape: Shape, value: Any) -> str:
    if shape.metadata.get("sensitive"):
        return ""
    return "null " if value is None else f"'{value}' "


def _require_type(shape: Shape, value: Any, path: str) -> None:
    expected = _SCALARS[shape.type_name]
    number_is_boolean = isinstance(value, bool) and bool not in expected
    if number_is_boolean or not isinstance(value, expected):
        raise ApiError("SerializationException", f"'{path}' is not of type {shape.type_name}")


def _join(path: str, name: str) -> str:
    camel = name[0].lower() + name[1:]
    return f"{path}.{camel}" if path else camel


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _JAVA_CLASSES:
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.DOTALL)
