"""From a model's response to one result per record."""

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from threading import Lock
from typing import Any

from penstock.domain.errors import PermanentError
from penstock.domain.json_text import dumps, parse
from penstock.domain.payload import media_type
from penstock.domain.splitting import Dialect, Format, split_records

LARGEST_PARSED = 256 * 1024**2
"""Bytes that a response may take once it is read. A chunk whose response takes more is halved."""

_LARGE = 1024**2
_LARGE_ONES = Lock()
"""Taken one after the other: a function has several responses in hand, and memory for one of these.
Nothing is lost by it, since reading JSON is the work of one processor anyway."""

Select = Callable[[Any], Any]
"""A compiled JMESPath expression."""

_CSV = Dialect(Format.CSV)
_TEXT = Dialect(Format.TEXT)

JSON_LINES = frozenset({"application/jsonlines", "application/x-ndjson", "application/x-jsonlines"})


def split_results(body: bytes, content_type: str, select: Select | None) -> list[bytes]:
    """One result per record, each without its line end.

    Raises:
        PermanentError: `UnreadableResponse`, the body is not what its content type says.
    """
    kind = media_type(content_type)
    if kind == "application/json":
        with _LARGE_ONES if len(body) > _LARGE else nullcontext():
            return _json_results(body, select)
    if kind in JSON_LINES:
        return [_selected_line(line, select) for line in body.splitlines() if line.strip()]
    if kind == "text/csv":
        return split_records(body, _CSV)
    return split_records(body, _TEXT)


def _selected_line(line: bytes, select: Select | None) -> bytes:
    return line if select is None else dumps(select(_parsed(line)))


def _json_results(body: bytes, select: Select | None) -> list[bytes]:
    document = _parsed(body)
    results = _default_results(document) if select is None else select(document)
    if not isinstance(results, list):
        message = (
            "the response holds no list of results; "
            "set output.select to the JMESPath of the list, for example predictions[*]"
        )
        raise PermanentError("UnreadableResponse", message)
    return [dumps(result) for result in results]


def _default_results(document: Any) -> Any:
    """A bare list, or the list under `predictions`, as TensorFlow Serving and KServe answer."""
    return document.get("predictions") if isinstance(document, dict) else document


def _parsed(body: bytes) -> Any:
    try:
        return parse(body.decode(json.detect_encoding(body)), LARGEST_PARSED)
    except UnicodeDecodeError as error:
        message = f"byte {error.start} of the response is not UTF-8; have the model answer in it"
        raise PermanentError("UnreadableResponse", message) from error
    except PermanentError as error:
        if error.code == "TooManyValues":
            message = f"the response {error.message}; choose smaller chunks"
            raise PermanentError("ObjectTooLarge", message) from error
        message = f"the response {error.message}; set invoke.accept to what the model answers"
        raise PermanentError("UnreadableResponse", message) from error


def check_count(results: Sequence[object], owed: int) -> None:
    """One result per record, or none of them can be told to belong to any.

    Raises:
        PermanentError: `WrongResultCount`.
    """
    if len(results) != owed:
        message = (
            f"the model answered {len(results)} results for {owed} records; "
            "it must answer one per record, in order"
        )
        raise PermanentError("WrongResultCount", message)
