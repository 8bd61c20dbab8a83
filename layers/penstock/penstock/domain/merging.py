"""Putting the rows of redriven records into an output that is there already.

The old output is passed on as it is, but for the rows of records that were redriven. What the
redrive has made of them comes as entries, one for each of its records; the old error file says
where the rows are. All three are in the order of the records, and are read once, side by side.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from penstock.domain.envelopes import field
from penstock.domain.json_text import parse
from penstock.domain.output_lines import (
    LineStyle,
    RecordError,
    Settled,
    error_lines,
    is_error_row,
    output_lines,
)
from penstock.domain.output_rows import Rows, mismatch


@dataclass(frozen=True, slots=True)
class Entry:
    """What a redrive has made of one record: its row and its error line, with their line ends.

    Empty where there is none.
    """

    index: int
    row: bytes
    error: bytes

    def to_bytes(self) -> bytes:
        return b"%d %d %d\n" % (self.index, len(self.row), len(self.error)) + self.row + self.error


def entry_of(lineage: str, style: LineStyle, settled: Settled) -> Entry:
    row = next(output_lines(style, [settled]), b"")
    return Entry(settled.index, row, next(error_lines(lineage, [settled]), b""))


def entries_of(blocks: Iterable[bytes]) -> Iterator[Entry]:
    """Entries as bytes one after the other, in blocks that are cut anywhere."""
    rest = b""
    for block in blocks:
        rest, at = rest + block, 0
        while (body := rest.find(b"\n", at) + 1) > 0:
            index, row, error = map(int, rest[at:body].split())
            end = body + row + error
            if len(rest) < end:
                break
            yield Entry(index, rest[body : body + row], rest[body + row : end])
            at = end
        rest = rest[at:]
    if rest:
        raise mismatch("a piece of the redrive ends within an entry")


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one record that had failed: its new row, and its error line from now on.

    Of one that was not redriven, the row stays.
    """

    index: int
    was: RecordError
    row: bytes | None
    error: bytes

    @property
    def succeeded(self) -> bool:
        return not self.error


def merge_steps(failed: Iterable[bytes], entries: Iterable[Entry]) -> Iterator[Step]:
    """A step for each line of the old error file.

    Raises:
        PermanentError: `OutputMismatch`, an entry is about a record that had not failed.
    """
    following = iter(entries)
    entry = next(following, None)
    for line in failed:
        index, was = _failure_of(line)
        if entry is None or entry.index != index:
            yield Step(index, was, None, line + b"\n")
        else:
            yield Step(index, was, entry.row, entry.error)
            entry = next(following, None)
    if entry:
        raise mismatch(f"record {entry.index} was redriven, but is not in its error file")


def _failure_of(line: bytes) -> tuple[int, RecordError]:
    document = parse(line.decode("utf-8", "replace"))
    error = RecordError(
        code=field(document, "error", str),
        message=field(document, "message", str),
        attempts=field(document, "attempts", int),
    )
    return field(document, "record", int), error


def merged(rows: Rows, steps: Iterable[Step], style: LineStyle, promised: int) -> Iterator[bytes]:
    """The new output, from the rows of the old one, which has as many as `promised`.

    Raises:
        PermanentError: `OutputMismatch`. What was yielded until then is worthless.
    """
    omits = style.on_error == "omit"
    yield from _inserted(rows, steps) if omits else _replaced(rows, steps, style)
    yield from rows.rest()
    if rows.number != promised:
        raise mismatch(f"it has {rows.number} rows where its manifest has {promised}")


def _inserted(rows: Rows, steps: Iterable[Step]) -> Iterator[bytes]:
    for missing, step in enumerate(steps):
        yield from rows.up_to(step.index - missing)
        yield step.row or b""


def _replaced(rows: Rows, steps: Iterable[Step], style: LineStyle) -> Iterator[bytes]:
    for step in steps:
        yield from rows.up_to(step.index)
        row = rows.take()
        if not is_error_row(style, row.removesuffix(b"\n"), step.index, step.was):
            raise mismatch(f"row {step.index} is not the error that the error file has")
        yield row if step.row is None else step.row
