"""From outcomes to the lines that the user gets."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from penstock.domain.errors import PermanentError
from penstock.domain.json_text import dumps, parse
from penstock.domain.payload import media_type
from penstock.domain.pipeline import Format, Join, OnError, Pipeline

MAXIMUM_QUOTED_RECORD = 8 * 1024
"""Bytes of a failed record that its error line repeats."""

SAGEMAKER_OUTPUT = "SageMakerOutput"
"""The member that Batch Transform adds when it joins JSON input and output."""


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why one record has no prediction."""

    code: str
    message: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Settled:
    """One record with what became of it. `[start, end)` are its bytes in the input.

    Of one that is `cut` only the beginning is known, if anything.
    """

    index: int
    result: bytes | RecordError
    record: bytes = b""
    start: int = 0
    end: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How the lines of one job look."""

    fmt: Format
    accept: str
    on_error: OnError
    join: Join
    delimiter: str = ","


def style_of(pipeline: Pipeline, key: str) -> LineStyle:
    """How the lines of a file's output look."""
    return LineStyle(
        fmt=pipeline.format_of(key),
        accept=pipeline.accept_of(key),
        on_error=pipeline.output.on_error,
        join=pipeline.output.join,
        delimiter=pipeline.input.delimiter,
    )


def output_lines(style: LineStyle, settled: Iterable[Settled]) -> Iterator[bytes]:
    """Lines of `<key>.out`, each with its line end, in record order."""
    for each in settled:
        if not isinstance(each.result, RecordError):
            yield _joined(style, each.record, each.result) + b"\n"
        elif style.on_error != "omit":
            # Nothing of a record that is cut: its beginning might leave a quote open.
            record = b"" if each.cut else each.record
            yield _joined(style, record, _inline_error(style, each.index, each.result)) + b"\n"


def is_error_row(style: LineStyle, row: bytes, index: int, error: RecordError) -> bool:
    """Whether the row of an output, without its line end, is the one of this very error."""
    cell = _inline_error(style, index, error)
    if style.join == "none":
        return row == cell
    if style.fmt == "jsonl":
        document = _json_or_text(row)
        return isinstance(document, dict) and document.get(SAGEMAKER_OUTPUT) == _json_or_text(cell)
    return row.endswith(_separator(style) + cell)


def error_lines(lineage: str, settled: Iterable[Settled]) -> Iterator[bytes]:
    """Lines of `<key>.errors.jsonl`, for the records that failed.

    Args:
        lineage: the id of the job that first ran the input.
    """
    for each in settled:
        if isinstance(each.result, RecordError):
            yield dumps(_error_document(lineage, each, each.result)) + b"\n"


def _inline_error(style: LineStyle, index: int, error: RecordError) -> bytes:
    document = {"error": error.code, "message": error.message, "record": index}
    text = dumps(document)
    return _csv_cell(text) if media_type(style.accept) == "text/csv" else text


def _csv_cell(text: bytes) -> bytes:
    """One quoted cell, so that a column of predictions stays one column."""
    return b'"' + text.replace(b'"', b'""') + b'"'


def _joined(style: LineStyle, record: bytes, result: bytes) -> bytes:
    if style.join == "none":
        return result
    if style.fmt == "jsonl":
        return _json_joined(record, result)
    return record + _separator(style) + result


def _separator(style: LineStyle) -> bytes:
    return style.delimiter.encode() if style.fmt == "csv" else b"\t"


def _json_joined(record: bytes, result: bytes) -> bytes:
    """As Batch Transform joins: into the record, or beside it when it is no object."""
    answer = _json_or_text(result)
    document = _json_or_text(record)
    if isinstance(document, dict):
        return dumps(document | {SAGEMAKER_OUTPUT: answer})
    return dumps({"SageMakerInput": document, SAGEMAKER_OUTPUT: answer})


def _json_or_text(result: bytes) -> Any:
    text = result.decode("utf-8", "replace")
    try:
        return parse(text)
    except PermanentError:
        return text


def record_id(lineage: str, index: int) -> str:
    """What a record is known by, wherever its line is carried."""
    return f"{lineage}:{index}"


def _error_document(lineage: str, settled: Settled, error: RecordError) -> dict[str, Any]:
    return {
        "id": record_id(lineage, settled.index),
        "record": settled.index,
        "start": settled.start,
        "end": settled.end,
        "error": error.code,
        "message": error.message,
        "attempts": error.attempts,
        **_quoted(settled.record, cut=settled.cut),
    }


def _quoted(record: bytes, *, cut: bool) -> dict[str, Any]:
    """The record itself as far as it fits: as text, or as base64 when it is no UTF-8."""
    if cut and not record:
        return {}
    if cut or len(record) > MAXIMUM_QUOTED_RECORD:
        head = record[:MAXIMUM_QUOTED_RECORD].decode("utf-8", "ignore")
        return {"input": head, "input_truncated": True}
    try:
        return {"input": record.decode("utf-8")}
    except UnicodeDecodeError:
        return {"input_base64": base64.b64encode(record).decode("ascii")}
