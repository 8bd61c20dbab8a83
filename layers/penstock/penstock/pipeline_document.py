"""The fields of `_pipeline.yaml` with their limits and defaults.

The one description of the file: checks, defaults and the published JSON Schema
(docs/pipeline.schema.json) come from it. Limits of SageMaker and SQS are named where they bound
a field.
"""

from math import ceil
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from penstock.domain.pipeline import ChunkSize, Header, Input, Invoke, Output, Pipeline
from penstock.domain.quantities import parse_duration, parse_size
from penstock.domain.retry import SQS_MAXIMUM_DELAY, RetryPolicy

_MIB = 1024**2
_ASCII = r"^[\x20-\x7e]*$"


def _as_seconds(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _as_bytes(value: Any) -> Any:
    return parse_size(value) if isinstance(value, str) else value


def _empty_is_absent(value: Any) -> Any:
    return None if value == "" else value


def _quantity(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "number"], "description": description})


Seconds = Annotated[float, BeforeValidator(_as_seconds), _quantity("A duration: 30s, 15m, 6h")]
Bytes = Annotated[int, BeforeValidator(_as_bytes), _quantity("A size: 64KB, 4MiB")]
OptionalText = Annotated[str | None, BeforeValidator(_empty_is_absent)]
HeaderValue = Annotated[
    Annotated[str, Field(max_length=1024, pattern=_ASCII)] | None,
    BeforeValidator(_empty_is_absent),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InvokeSection(_Section):
    """Which model, and how it is called."""

    mode: Literal["async"] = Field("async", description="Asynchronous inference")
    endpoint: str = Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$",
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
    timeout: Seconds = Field(
        900, ge=1, le=3600, description="Longest processing of one invocation, 1s to 1h"
    )
    timeout_per_record: Seconds | None = Field(
        None,
        gt=0,
        le=3600,
        description="Instead of timeout: for each record of a request; in all 1s to 1h",
    )
    queue_timeout: Seconds = Field(
        21600, ge=60, le=21600, description="Longest wait in SageMaker's queue, 1m to 6h"
    )

    @model_validator(mode="after")
    def _one_timeout(self) -> Self:
        if {"timeout", "timeout_per_record"} <= self.model_fields_set:
            raise ValueError("give one of `timeout` and `timeout_per_record`, not both")
        return self

    def to_domain(self) -> Invoke:
        times = {"timeout": ceil(self.timeout), "queue_timeout": ceil(self.queue_timeout)}
        return Invoke(**self.model_dump() | times)


class InputSection(_Section):
    """How the file is cut into records."""

    format: Annotated[Literal["csv", "jsonl", "text"] | None, BeforeValidator(_empty_is_absent)] = (
        Field(None, description="By default told by the file's name; text if that tells nothing")
    )
    header: Literal[False, True, "send"] = Field(
        default=False,
        description="csv: false, the first row is a record; true, it is a header and dropped; "
        "send, it is a header and sent to the model with each chunk",
    )
    delimiter: str = Field(
        ",",
        pattern=r"^[\x09\x20-\x21\x23-\x7e]$",
        description="one ASCII character other than a quote, between the fields of CSV",
    )

    def to_domain(self) -> Input:
        header: Header = "absent"
        if self.header:
            header = "send" if self.header == "send" else "drop"
        return Input(format=self.format, header=header, delimiter=self.delimiter)


class ChunkSection(_Section):
    """The most that goes to the model in one invocation."""

    max_records: int = Field(1000, ge=1, le=10_000, description="Records")
    max_bytes: Bytes = Field(
        4 * _MIB, ge=1024, le=32 * _MIB, description="Bytes; a longer record goes alone"
    )

    def to_domain(self) -> ChunkSize:
        return ChunkSize(self.max_records, self.max_bytes)


class OutputSection(_Section):
    """How the answers are written."""

    on_error: Literal["inline", "omit", "fail"] = Field(
        "inline",
        description="What stands in the place of a record that failed: an error line, nothing; "
        "or the whole job fails",
    )
    select: OptionalText = Field(
        None,
        max_length=1000,
        description="JMESPath from a JSON response to its list of results",
    )
    join: Literal["none", "input"] = Field("none", description="input: each result with its record")

    def to_domain(self) -> Output:
        return Output(self.on_error, self.select, self.join)


class RetrySection(_Section):
    """Exponential backoff with full jitter."""

    initial_interval: Seconds = Field(2, gt=0, le=SQS_MAXIMUM_DELAY)
    backoff_coefficient: float = Field(2, ge=1, le=100, strict=False)
    maximum_interval: Seconds = Field(900, gt=0, le=SQS_MAXIMUM_DELAY, description="At most 15m")
    maximum_attempts: int = Field(6, ge=1, le=100)
    non_retryable_errors: tuple[str, ...] = Field(
        (), strict=False, description="Error codes after which a chunk is not tried again"
    )

    def to_domain(self) -> RetryPolicy:
        return RetryPolicy(**self.model_dump())


class PipelineDocument(_Section):
    """How the files under this prefix are inferred."""

    model_config = ConfigDict(title="Penstock pipeline")

    invoke: InvokeSection
    input: InputSection = InputSection()
    chunk: ChunkSection = ChunkSection()
    output: OutputSection = OutputSection()
    retry: RetrySection = RetrySection()
    deadline: Seconds = Field(
        21600, ge=60, le=7 * 86400, description="After it a job ends with what it has, 1m to 7d"
    )
    tolerated_failure_percentage: float = Field(
        100, ge=0, le=100, strict=False, description="Beyond it the job fails"
    )

    def to_domain(self, source: str) -> Pipeline:
        return Pipeline(
            invoke=self.invoke.to_domain(),
            source=source,
            input=self.input.to_domain(),
            chunk=self.chunk.to_domain(),
            output=self.output.to_domain(),
            retry=self.retry.to_domain(),
            deadline=ceil(self.deadline),
            tolerated_failure_percentage=self.tolerated_failure_percentage,
        )
