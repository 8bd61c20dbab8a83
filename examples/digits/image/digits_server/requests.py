"""From a request body to records, by content type."""

import csv
import io
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from .model import PIXELS, Record
from .refusals import BadRecordError, RefusedError, quote

NOT_JSON = (ValueError, RecursionError)  # or nested deeper than anything sensible

csv.field_size_limit(2**31 - 1)  # a note may be long; the request's own limit bounds it


def parse(content_type: str, body: bytes) -> list[Record]:
    """Raises RefusedError: 415 for a content type that isn't served, 400 for a bad body."""
    parser = PARSERS.get(media_type(content_type))
    if parser is None:
        reason = f"content type {quote(content_type)} is not served; send {', '.join(PARSERS)}"
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, reason)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"not UTF-8 at byte {error.start}") from None
    return parser(text)


def media_type(header: str) -> str:
    return header.split(";", 1)[0].strip().lower()


def _csv(text: str) -> list[Record]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows.extend(reader)
    except csv.Error as error:
        before = len(rows) - _has_header(rows)
        raise BadRecordError(max(before, 0), f"not CSV: {error}") from None
    records = rows[1:] if _has_header(rows) else rows
    return [_without_note(row) for row in records]


def _has_header(rows: list[list[str]]) -> bool:
    """A header names every column; a bad record has numbers beside what is wrong with it."""
    return bool(rows and rows[0]) and not any(_is_number(field) for field in rows[0])


def _without_note(row: list[str]) -> list[str]:
    """One leading column of text is not the model's business. A number there is a mistake."""
    return row[1:] if len(row) == PIXELS + 1 and not _is_number(row[0]) else row


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _text(text: str) -> list[Record]:
    return [line.split() for line in _lines(text)]


def _json_lines(text: str) -> list[Record]:
    return [_json_line(index, line) for index, line in enumerate(_lines(text))]


def _json_line(index: int, line: str) -> Record:
    try:
        return _features(index, json.loads(line))
    except NOT_JSON as error:
        raise BadRecordError(index, f"not JSON: {error}") from None


def _json(text: str) -> list[Record]:
    try:
        document = json.loads(text)
    except NOT_JSON as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"not JSON: {error}") from None
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list):
        raise RefusedError(HTTPStatus.BAD_REQUEST, 'expected {"instances": [...]}')
    return [_features(index, instance) for index, instance in enumerate(instances)]


def _features(index: int, document: Any) -> Record:
    features = document.get("features") if isinstance(document, dict) else document
    if not isinstance(features, list):
        raise BadRecordError(index, 'expected {"features": [...]} or a list of pixels')
    for position, value in enumerate(features):
        if type(value) not in (int, float):  # JSON has numbers: "5" and true aren't pixels
            raise BadRecordError(index, f"pixel_{position} is not a number: {quote(value)}")
    return features


def _lines(text: str) -> list[str]:
    """Only newlines end a line: U+2028 and its like are ordinary characters in JSON."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


PARSERS: dict[str, Callable[[str], list[Record]]] = {
    "text/csv": _csv,
    "application/jsonlines": _json_lines,
    "application/x-ndjson": _json_lines,
    "application/json": _json,
    "text/plain": _text,
}
