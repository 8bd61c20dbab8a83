"""The fields of `_pipeline.yaml` with their limits and defaults.

The one description of the file: checks, defaults and the published JSON Schema
(docs/pipeline.schema.json) come from it. Limits of SageMaker and SQS are named where they bound
a field. What depends on two fields is in `pipeline_rules.py`.
"""

from math import ceil
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from penstock.domain.pipeline import ChunkSize, Header, Input, Output, Pipeline
from penstock.domain.retry import SQS_MAXIMUM_DELAY, RetryPolicy
from penstock.invoke_section import InvokeSection
from penstock.pipeline_fields import (
    KEY_PATTERN,
    MIB,
    Bytes,
    OptionalText,
    Seconds,
    Section,
    empty_is_absent,
)


class InputSection(Section):
    """How the file is cut into records."""

    format: Annotated[Literal["csv", "jsonl", "text"] | None, BeforeValidator(empty_is_absent)] = (
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
    key_pattern: Annotated[
        Annotated[str, Field(max_length=512, pattern=KEY_PATTERN)] | None,
        BeforeValidator(empty_is_absent),
    ] = Field(
        None,
        description="path below this prefix with {model} once, as in {model}/*: which part of a "
        "file's key names its model",
    )
    model_field: (
        Annotated[str, Field(min_length=1, max_length=256)]
        | Annotated[int, Field(ge=0, le=10_000)]
        | None
    ) = Field(
        None,
        description="jsonl: the key, csv: the column, by its header or its number from 0, that "
        "names the model of each record",
    )
    send_model_field: bool = Field(
        default=False, description="false: the model gets its records without that field"
    )

    def to_domain(self) -> Input:
        header: Header = "absent"
        if self.header:
            header = "send" if self.header == "send" else "drop"
        return Input(**self.model_dump() | {"header": header})


class ChunkSection(Section):
    """The most that goes to the model in one invocation."""

    max_records: int = Field(1000, ge=1, le=10_000, description="Records")
    max_bytes: Bytes = Field(
        4 * MIB, ge=1024, le=32 * MIB, description="Bytes; a longer record goes alone"
    )

    def to_domain(self) -> ChunkSize:
        return ChunkSize(self.max_records, self.max_bytes)


class OutputSection(Section):
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


class RetrySection(Section):
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


class PipelineDocument(Section):
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
