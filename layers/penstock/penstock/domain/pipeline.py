"""How the files under one prefix are inferred. Immutable: a job keeps the one it started with."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from penstock.domain.invoke import Invoke
from penstock.domain.retry import RetryPolicy

Format = Literal["csv", "jsonl", "text"]
Header = Literal["absent", "drop", "send"]
OnError = Literal["inline", "omit", "fail"]
Join = Literal["none", "input"]

CONTENT_TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "jsonl": "application/jsonlines",
    "text": "text/plain",
}
_FORMATS_BY_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonlines": "jsonl",
    ".txt": "text",
    ".text": "text",
}


@dataclass(frozen=True, slots=True)
class Input:
    """How the file is cut into records, and where it or they tell which model they are for."""

    format: Format | None = None
    header: Header = "absent"
    delimiter: str = ","
    key_pattern: str | None = None
    model_field: str | int | None = None
    send_model_field: bool = False


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """The most that goes to the model in one invocation; a single record may exceed `max_bytes`."""

    max_records: int = 1000
    max_bytes: int = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Output:
    """How the answers are written."""

    on_error: OnError = "inline"
    select: str | None = None
    join: Join = "none"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One `_pipeline.yaml`, checked and with its defaults filled in."""

    invoke: Invoke
    source: str = "stack parameters"
    input: Input = field(default_factory=Input)
    chunk: ChunkSize = field(default_factory=ChunkSize)
    output: Output = field(default_factory=Output)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    deadline: int = 21600
    tolerated_failure_percentage: float = 100.0

    @property
    def longest_timeout(self) -> int:
        """Seconds of the longest invocation of a job."""
        return self.invoke.timeout_for(self.chunk.max_records)

    def format_of(self, key: str) -> Format:
        """The configured format, else the one that the file's name tells, else text lines."""
        if self.input.format is not None:
            return self.input.format
        name = key.rsplit("/", 1)[-1].lower()
        suffix = name[name.rfind(".") :] if "." in name else ""
        return _FORMATS_BY_SUFFIX.get(suffix, "text")

    def content_type_of(self, key: str) -> str:
        return self.invoke.content_type or CONTENT_TYPES[self.format_of(key)]

    def accept_of(self, key: str) -> str:
        return self.invoke.accept or self.content_type_of(key)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Pipeline":
        """The inverse of `to_json`, through JSON."""
        retry = document["retry"]
        policy = RetryPolicy(
            **retry | {"non_retryable_errors": tuple(retry["non_retryable_errors"])}
        )
        return cls(
            **document
            | {
                "invoke": Invoke.from_json(document["invoke"]),
                "input": Input(**document["input"]),
                "chunk": ChunkSize(**document["chunk"]),
                "output": Output(**document["output"]),
                "retry": policy,
            }
        )
