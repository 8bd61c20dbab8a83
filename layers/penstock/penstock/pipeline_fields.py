"""The kinds of values in `_pipeline.yaml`."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from penstock.domain.quantities import parse_duration, parse_size

MIB = 1024**2
_ASCII = r"^[\x20-\x7e]*$"

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
"""Endpoints, variants, models, components, containers: letters, digits and inner hyphens."""

KEY_PATTERN = r"^[^{}]*\{model\}[^{}]*$"


def _as_seconds(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _as_bytes(value: Any) -> Any:
    return parse_size(value) if isinstance(value, str) else value


def empty_is_absent(value: Any) -> Any:
    return None if value == "" else value


def _quantity(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "number"], "description": description})


Seconds = Annotated[float, BeforeValidator(_as_seconds), _quantity("A duration: 30s, 15m, 6h")]
Bytes = Annotated[int, BeforeValidator(_as_bytes), _quantity("A size: 64KB, 4MiB")]
OptionalText = Annotated[str | None, BeforeValidator(empty_is_absent)]
HeaderValue = Annotated[
    Annotated[str, Field(max_length=1024, pattern=_ASCII)] | None,
    BeforeValidator(empty_is_absent),
]
Name = Annotated[str, Field(min_length=1, max_length=63, pattern=NAME)]


class Section(BaseModel):
    """Keys that belong together; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
