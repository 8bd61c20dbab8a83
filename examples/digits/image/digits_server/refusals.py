"""Requests that get an HTTP error, and what the caller is told."""

from http import HTTPStatus
from typing import Any

LONGEST_QUOTE = 40


class RefusedError(Exception):
    """`details` become fields of the JSON body, beside `error` and `reason`."""

    def __init__(self, status: HTTPStatus, reason: str, **details: Any) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.details = details


class BadRecordError(RefusedError):
    """`record` is the 0-based index in the request; a CSV header does not count."""

    def __init__(self, record: int, reason: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, f"record {record}: {reason}", record=record)


def quote(value: object) -> str:
    """A value as the error message shows it: never the whole of a large field."""
    text = repr(value)
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
