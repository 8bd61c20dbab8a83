"""Filters what a container gets, joins it with what it answers, filters that. Pure.

Guide, `batch-transform-data-processing`; botocore's model, `DataProcessing`.
"""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any

from penstock_local.sagemaker.json_path import JsonPath, NotFoundError, parse

CSV = "text/csv"
JSON_TYPES = ("application/json", "application/jsonlines")
_ROOT = "$"


class RecordError(ValueError):
    """A record, or the answer to it, that can't be processed; the message says why."""


@dataclass(frozen=True)
class Processing:
    """`media_type` is that of records and answers; `by_line` whether each is a line."""

    media_type: str
    by_line: bool
    input_filter: JsonPath
    output_filter: JsonPath
    joins: bool

    @property
    def changes_output(self) -> bool:
        return self.joins or not self.output_filter.is_root

    def payload(self, record: bytes) -> bytes:
        """Raises RecordError."""
        if self.input_filter.is_root:
            return record
        return self._written(self._filtered(self.input_filter, self._read(record)))

    def output(self, records: tuple[bytes, ...], answer: bytes) -> bytes:
        """The answer to these records, processed. Raises RecordError."""
        if not self.changes_output:
            return answer
        answers = _lines(answer) if self.by_line else [answer]
        if len(answers) != len(records):
            raise RecordError(f"the container answered {len(records)} records with {len(answers)}")
        pairs = zip(records, answers, strict=True)
        return b"".join(self._written(self._joined(record, item)) for record, item in pairs)

    def _joined(self, record: bytes, answer: bytes) -> Any:
        value = self._read(answer)
        if self.joins:
            join = _joined_rows if self.media_type == CSV else _joined_json
            value = join(self._read(record), value)
        return self._filtered(self.output_filter, value)

    def _filtered(self, path: JsonPath, value: Any) -> Any:
        try:
            return path.of(value)
        except NotFoundError as error:
            raise RecordError(str(error)) from error

    def _read(self, text: bytes) -> Any:
        read = _read_row if self.media_type == CSV else _read_json
        try:
            return read(text.decode())
        except (ValueError, csv.Error) as error:
            raise RecordError(f"{_shown(text)} is no {self.media_type}: {error}") from error

    def _written(self, value: Any) -> bytes:
        text = _row(value) if self.media_type == CSV else _json(value)
        return text.encode() + (b"\n" if self.by_line else b"")


def processing(request: dict[str, Any]) -> Processing:
    """Of a transform job. Raises JsonPathError."""
    given, source = request.get("DataProcessing") or {}, request["TransformInput"]
    return Processing(
        media_type=media_type(source.get("ContentType", "")),
        by_line=source.get("SplitType", "None") == "Line",
        input_filter=parse(given.get("InputFilter") or _ROOT),
        output_filter=parse(given.get("OutputFilter") or _ROOT),
        joins=given.get("JoinSource") == "Input",
    )


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _joined_rows(row: list[str], answer: list[str]) -> list[str]:
    return [*row, *answer]


def _joined_json(value: Any, answer: Any) -> Any:
    given = value if isinstance(value, dict) else {"SageMakerInput": value}
    return {**given, "SageMakerOutput": answer}


def _read_row(text: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows")
    return rows[0]


def _read_json(text: str) -> Any:
    return json.loads(text)


def _row(value: Any) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return written.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _lines(text: bytes) -> list[bytes]:
    found = text.split(b"\n")
    return found[:-1] if found[-1] == b"" else found


def _shown(text: bytes) -> str:
    shown = text[:60].decode(errors="replace").rstrip("\n")
    return f"{shown}…" if len(text) > 60 else shown  # noqa: PLR2004 - enough to recognise it
