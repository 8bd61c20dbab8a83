"""The lines of an error file that come back, perhaps mended: read, and checked against it.

Both files are in the order of the records, so that checking takes no memory: they are read side by
side, line by line.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from penstock.domain.envelopes import field, optional_field
from penstock.domain.errors import PermanentError
from penstock.domain.json_text import parse
from penstock.domain.output_lines import record_id
from penstock.domain.splitting import Dialect, find_record_fault

LONGEST_LINE = 32 * 1024**2
"""Bytes, as of a record; a line is held in memory a few times over."""

CODE = "InvalidRedrive"

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """One line of an error file. Of a record that is `cut` it has the beginning only.

    `record` is None where the line has nothing of it.
    """

    id: str
    index: int
    start: int
    end: int
    record: bytes | None
    cut: bool = False

    @property
    def size(self) -> int:
        """Bytes of the whole record."""
        return self.end - self.start if self.cut else len(self.record or b"")


@dataclass(frozen=True, slots=True)
class Lineage:
    """What the lines must be of: the records of `key` that failed in the job of this id."""

    job_id: str
    key: str
    dialect: Dialect


def lines_of(blocks: Iterable[bytes], longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """The lines without their line ends.

    Raises:
        PermanentError: `InvalidRedrive`, one is longer than `longest` bytes.
    """
    rest, number = b"", 0
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        number += len(lines)
        if len(rest) > longest:
            problem = f"it has more than {longest} bytes; remove it, or shorten its record"
            raise _refusal(f"line {number + 1}: {problem}")
    if rest:
        yield rest


def check_lines(dropped: Iterable[bytes], failed: Iterable[bytes], lineage: Lineage) -> int:
    """How many records the dropped lines bring back.

    Args:
        failed: the lines of the error file that they come from.

    Raises:
        PermanentError: `InvalidRedrive` for anything but lines of records that failed, each at most
            once, in their order. Says which line, and what to do about it.
    """
    known = map(parse_failed_record, failed)
    latest, found = None, 0
    for number, line in _numbered(dropped):
        try:
            given = parse_failed_record(line)
            _check_id(given, lineage)
            _check_order(given, latest)
            original = next((each for each in known if each.index >= given.index), None)
            _check_same(given, original)
            _check_record(given, original, lineage.dialect)
        except PermanentError as error:
            raise _refusal(f"line {number}: {error.message}") from error
        latest, found = given, found + 1
    if not found:
        raise _refusal("the file has no lines; keep those of the records that shall run again")
    return found


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """From 1, without those that hold nothing. A byte order mark is part of none."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(_BOM.encode()) if number == 1 else line
        if text.strip(b" \t\r"):
            yield number, text


def parse_failed_record(line: bytes) -> FailedRecord:
    """Raises PermanentError `InvalidRedrive`: it is no line of an error file."""
    try:
        document = parse(line.decode())
    except UnicodeDecodeError as error:
        raise _refusal(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except PermanentError as error:
        raise _refusal(f"it {error.message}; mend it, or take it from the error file") from error
    if not isinstance(document, dict):
        raise _refusal("it is no JSON object; take the line from the error file again")
    cut = document.get("input_truncated") is True
    return FailedRecord(*_place(document), record=_record(document), cut=cut)


def _place(document: dict[str, Any]) -> tuple[str, int, int, int]:
    try:
        index, start, end = (field(document, name, int) for name in ("record", "start", "end"))
        return field(document, "id", str), index, start, end
    except PermanentError as error:
        problem = f"{error.message}; leave it as it is in the error file"
        raise _refusal(problem) from error


def _text(document: dict[str, Any], name: str) -> str | None:
    try:
        return optional_field(document, name, str)
    except PermanentError as error:
        raise _refusal(f"{error.message}; put the record there as one text") from error


def _record(document: dict[str, Any]) -> bytes | None:
    text, encoded = _text(document, "input"), _text(document, "input_base64")
    if text is not None and encoded is not None:
        raise _refusal("it has both `input` and `input_base64`; remove the one that is not meant")
    try:
        if encoded is not None:
            return base64.b64decode(encoded, validate=True)
        return None if text is None else text.encode()
    except UnicodeEncodeError as error:
        raise _refusal("`input` has half a character; write the whole one") from error
    except (binascii.Error, ValueError) as error:
        raise _refusal(f"`input_base64` is not base64: {error}") from error


def _check_id(given: FailedRecord, lineage: Lineage) -> None:
    job_id, _, index = given.id.rpartition(":")
    if job_id != lineage.job_id:
        raise _refusal(
            f"its id {given.id!r:.60} is not of job {lineage.job_id}, which the outputs of "
            f"{lineage.key} are of; take the lines from the newest error file"
        )
    if given.id != record_id(lineage.job_id, given.index):
        raise _refusal(
            f"its id is of record {index!r:.20}, but `record` is {given.index}; "
            "leave both as they are in the error file"
        )


def _check_order(given: FailedRecord, latest: FailedRecord | None) -> None:
    if latest and given.index == latest.index:
        raise _refusal(f"record {given.index} stands here a second time; remove one of the lines")
    if latest and given.index < latest.index:
        raise _refusal(
            f"record {given.index} comes after record {latest.index}; "
            "sort the lines by `record`, as the error file has them"
        )


def _check_same(given: FailedRecord, original: FailedRecord | None) -> None:
    if original is None or original.index != given.index:
        raise _refusal(f"record {given.index} is not in the error file: remove the line")
    if (given.start, given.end) != (original.start, original.end):
        raise _refusal(
            f"`start` and `end` of record {given.index} are {original.start} and {original.end} in "
            "the error file; leave them as they are there"
        )


def _check_record(given: FailedRecord, original: FailedRecord | None, dialect: Dialect) -> None:
    if given.record is None:
        raise _refusal("it has no `input`; put the record there, or remove the line")
    if original and given.cut and (given.record, given.cut) != (original.record, original.cut):
        raise _refusal(
            "`input` was changed, but is only the beginning of the record; put the whole record "
            "there and remove `input_truncated`"
        )
    if given.cut or given == original:
        return
    if original and original.cut and given.record == original.record:
        raise _refusal(
            "`input` is only the beginning of the record; put the whole record there, or leave "
            "`input_truncated` where it was"
        )
    fault = find_record_fault(given.record, dialect)
    if fault:
        raise _refusal(f"`input` {fault}; it takes the place of exactly one record")


def _refusal(problem: str) -> PermanentError:
    return PermanentError(CODE, problem)
