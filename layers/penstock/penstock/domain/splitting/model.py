"""The values that splitting works with. All offsets are bytes from the start of the file."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Self

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Half-open: `start` belongs to it, `end` does not."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a byte range: {self.start} to {self.end}")

    @property
    def size(self) -> int:
        return self.end - self.start

    def to_json(self) -> list[int]:
        return [self.start, self.end]

    @classmethod
    def from_json(cls, document: list[int]) -> Self:
        return cls(*document)


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """A single record longer than `max_bytes` is a chunk of its own: records are never cut."""

    max_records: int
    max_bytes: int

    def __post_init__(self) -> None:
        if self.max_records < 1 or self.max_bytes < 1:
            raise ValueError("a chunk holds at least one record and one byte")

    def to_json(self) -> dict[str, int]:
        return {"max_records": self.max_records, "max_bytes": self.max_bytes}

    @classmethod
    def from_json(cls, document: dict[str, int]) -> Self:
        return cls(document["max_records"], document["max_bytes"])


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Dialect:
    r"""How records are told apart. All formats end a line at \n, with or without a \r before it.

    csv: what Python's `csv.reader` takes for a row, so \n within quotes is data. Empty lines are no
    records. jsonl: lines of nothing but spaces, tabs and \r are no records. text: each line is one.
    """

    format: Format
    delimiter: str = ","
    has_header: bool = False

    def __post_init__(self) -> None:
        one_byte = len(self.delimiter) == 1 and self.delimiter.isascii()
        if not one_byte or self.delimiter in '"\r\n':
            raise ValueError(f"not a delimiter: {self.delimiter!r}")
        if self.has_header and self.format is not Format.CSV:
            raise ValueError(f"{self.format} has no header")

    def to_json(self) -> dict[str, Any]:
        return {
            "format": self.format.value,
            "delimiter": self.delimiter,
            "has_header": self.has_header,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls(Format(document["format"]), document["delimiter"], document["has_header"])


class State(StrEnum):
    """Where in a record a byte is met: the states of csv.reader. Lines know only START."""

    START = "s"  # of a record or a field: here, and only here, a quote opens
    PLAIN = "p"  # in an unquoted field: a quote is data
    QUOTED = "q"  # within quotes: a newline is data
    CLOSING = "c"  # after a quote within quotes: another quote makes it data


class Fill(IntEnum):
    """What a part of a line holds, so that a line cut in two is judged by its parts."""

    EMPTY = 0
    BLANK = 1  # csv: exactly one \r. jsonl: white space only. text: never
    CONTENT = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole records for one invocation: number `index` of its segment, from 0."""

    segment: int
    index: int
    chunks_in_segment: int
    start: int
    end: int
    records: int
    first_record: int
