"""Which lines are no records, for lines that are seen in pieces."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.splitting.model import Fill, Format


@dataclass(frozen=True, slots=True)
class BlankRule:
    """`fill_of` judges a part of a line (without its newline), `joined` two adjacent parts."""

    fill_of: Callable[[bytes], Fill]
    joined: Callable[[Fill, Fill], Fill]
    blank: frozenset[Fill]  # a whole line of these is no record


def _fill_of_row(part: bytes) -> Fill:
    if not part:
        return Fill.EMPTY
    return Fill.BLANK if part == b"\r" else Fill.CONTENT


def _joined_rows(before: Fill, after: Fill) -> Fill:
    if Fill.EMPTY in (before, after):
        return max(before, after)
    return Fill.CONTENT  # even of two BLANK: only one \r belongs to a line's end


def _fill_of_document(part: bytes) -> Fill:
    if not part:
        return Fill.EMPTY
    return Fill.CONTENT if part.strip(b" \t\r") else Fill.BLANK


def _fill_of_text(part: bytes) -> Fill:
    return Fill.CONTENT if part else Fill.EMPTY


_NOTHING = frozenset({Fill.EMPTY, Fill.BLANK})

BLANK_RULES = {
    Format.CSV: BlankRule(_fill_of_row, _joined_rows, _NOTHING),
    Format.JSONL: BlankRule(_fill_of_document, max, _NOTHING),
    Format.TEXT: BlankRule(_fill_of_text, max, frozenset()),
}
