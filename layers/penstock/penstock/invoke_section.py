"""The fields of `invoke` in `_pipeline.yaml`."""

from math import ceil
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from penstock.domain.invoke import (
    USUAL_INVOCATION,
    USUAL_REALTIME,
    USUAL_TRANSFORM_FROM,
    Invoke,
    Mode,
    Target,
)
from penstock.domain.transform import LARGEST_TRANSFORM_MB, MEGABYTE
from penstock.pipeline_fields import (
    NAME,
    Bytes,
    HeaderValue,
    Name,
    Seconds,
    empty_is_absent,
)
from penstock.transform_fields import TRANSFORM_KEYS, TransformFields, transform_of

_TARGETS = {
    "target_model": "model",
    "target_variant": "variant",
    "target_container": "container",
    "inference_component": "component",
}


def _endpoint_or_model(schema: dict[str, Any]) -> None:
    """Which keys a mode demands, for editors."""
    del schema["required"]
    with_model: dict[str, Any] = {"required": ["model", "instance_type"]}
    transforms = {"properties": {"mode": {"const": "transform"}}, "required": ["mode"]}
    chooses = {"properties": {"mode": {"const": "auto"}}, "required": ["mode"]}
    either = {"anyOf": [{"required": ["endpoint"]}, with_model]}
    others = {"if": chooses, "then": either, "else": {"required": ["endpoint"]}}
    schema.update({"if": transforms, "then": with_model, "else": others})


class InvokeSection(TransformFields):
    """Which model, and how it is called."""

    model_config = ConfigDict(json_schema_extra=_endpoint_or_model)

    mode: Mode = Field("async", description="Which of SageMaker's inference types")
    endpoint: Annotated[str, Field(min_length=1)] | None = Field(
        max_length=63,
        pattern=NAME,
        description="name of a SageMaker endpoint: letters, digits and hyphens, at most 63",
    )
    content_type: HeaderValue = Field(
        None,
        description="content type of the requests, in ASCII; by default that of the input's format",
    )
    accept: HeaderValue = Field(
        None, description="content type of the answers, in ASCII; by default content_type"
    )
    custom_attributes: HeaderValue = Field(
        None, description="ASCII text, handed to the model's container as it is"
    )
    timeout: Annotated[
        Annotated[Seconds, Field(ge=1, le=3600)] | None, BeforeValidator(empty_is_absent)
    ] = Field(
        None,
        description="Longest processing of one invocation, 1s to 1h (15m); realtime: to 1m (1m)",
    )
    timeout_per_record: Seconds | None = Field(
        None,
        gt=0,
        le=3600,
        description="Instead of timeout: for each record of a request; in all 1s to 1h",
    )
    queue_timeout: Seconds = Field(
        21600, ge=60, le=21600, description="async: longest wait in SageMaker's queue, 1m to 6h"
    )
    max_payload: Bytes | None = Field(
        None,
        ge=0,
        le=LARGEST_TRANSFORM_MB * MEGABYTE,
        description="realtime, transform: largest request, up to 25MB or 100MB (6MiB); a larger "
        "chunk is halved",
    )
    target_model: Annotated[
        Annotated[str, Field(max_length=1024, pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$")]
        | None,
        BeforeValidator(empty_is_absent),
    ] = Field(
        None,
        description="realtime: a model of a multi-model endpoint, in ASCII; {model} in it stands "
        "for what input.key_pattern or input.model_field finds",
    )
    target_variant: Name | None = Field(
        None, description="realtime: a production variant; by default their weights decide"
    )
    target_container: Name | None = Field(
        None, description="realtime: host name of a container of a multi-container endpoint"
    )
    inference_component: Name | None = Field(
        None, description="realtime: an inference component of the endpoint"
    )
    transform_from: Bytes = Field(
        USUAL_TRANSFORM_FROM,
        ge=0,
        description="auto: size of the files that become transform jobs (1GiB)",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_endpoint(cls, given: Any) -> Any:
        """A transform job has none: it isn't missing."""
        if not isinstance(given, dict):
            return given
        chooses = given.get("mode") == "auto" and given.get("model")
        if chooses or given.get("mode") == "transform":
            return {"endpoint": None} | given
        return given

    @model_validator(mode="after")
    def _one_timeout(self) -> Self:
        if {"timeout", "timeout_per_record"} <= self.model_fields_set:
            raise ValueError("give one of `timeout` and `timeout_per_record`, not both")
        return self

    def to_domain(self) -> Invoke:
        fields: dict[str, Any] = self.model_dump()
        target = Target(**{name: fields.pop(key) for key, name in _TARGETS.items()})
        ours = {name: fields.pop(name) for name in TRANSFORM_KEYS}
        transforms = self.mode in ("transform", "auto") and self.model is not None
        timeout = ceil(self.timeout or USUAL_INVOCATION[self.mode])
        payload = self.max_payload or (USUAL_REALTIME if self.mode == "realtime" else None)
        return Invoke(
            **fields
            | {
                "timeout": timeout,
                "queue_timeout": ceil(self.queue_timeout),
                "max_payload": payload,
                "target": target,
                "endpoint": self.endpoint or "",
                "transform": transform_of(ours, self.max_payload) if transforms else None,
            }
        )
