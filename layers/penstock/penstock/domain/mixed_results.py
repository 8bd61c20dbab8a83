"""Results of one chunk that came from several models, and errors where a model had none.

Kept as an answer of a content type of its own: JSON Lines, a text for a result, an object for an
error. Texts are Latin-1, which has a character for every byte.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

MIXED = "application/vnd.penstock.results+jsonl"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record that was sent, or could not be, has no result."""

    code: str
    message: str


Result = bytes | Refusal


def to_lines(results: Iterable[Result]) -> bytes:
    return b"".join(json.dumps(_document(each)).encode() + b"\n" for each in results)


def from_lines(body: bytes) -> list[Result]:
    return [_result(json.loads(line)) for line in body.splitlines()]


def _document(result: Result) -> str | dict[str, str]:
    if isinstance(result, Refusal):
        return {"code": result.code, "message": result.message}
    return result.decode("latin-1")


def _result(document: str | dict[str, str]) -> Result:
    return document.encode("latin-1") if isinstance(document, str) else Refusal(**document)
