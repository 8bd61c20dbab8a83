"""From a model's response to one result per record."""

import json
from collections.abc import Callable
from typing import Any

from penstock.domain.errors import PermanentError
from penstock.domain.payload import media_type
from penstock.domain.splitting import Dialect, Format, split_records

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
        return _json_results(body, select)
    if kind in JSON_LINES:
        return [_selected_line(line, select) for line in body.splitlines() if line.strip()]
    if kind == "text/csv":
        return split_records(body, _CSV)
    return split_records(body, _TEXT)


def _selected_line(line: bytes, select: Select | None) -> bytes:
    return line if select is None else _compact(select(_parsed(line)))


def _json_results(body: bytes, select: Select | None) -> list[bytes]:
    document = _parsed(body)
    results = _default_results(document) if select is None else select(document)
    if not isinstance(results, list):
        message = (
            "the response holds no list of results; "
            "set output.select to the JMESPath of the list, for example predictions[*]"
        )
        raise PermanentError("UnreadableResponse", message)
    return [_compact(result) for result in results]


def _default_results(document: Any) -> Any:
    """A bare list, or the list under `predictions`, as TensorFlow Serving and KServe answer."""
    return document.get("predictions") if isinstance(document, dict) else document


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise PermanentError("UnreadableResponse", "the response is nested too deeply") from error
    except ValueError as error:
        raise PermanentError("UnreadableResponse", f"the response is not JSON: {error}") from error


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def check_count(results: list[bytes], owed: int) -> None:
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
