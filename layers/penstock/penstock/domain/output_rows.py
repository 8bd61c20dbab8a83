"""An output that is there already, read by rows where that matters and by blocks in between."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

from penstock.domain.errors import PermanentError
from penstock.domain.output_lines import LineStyle
from penstock.domain.payload import media_type
from penstock.domain.splitting import Dialect, Format, State
from penstock.domain.splitting.lines import BLOCK_BYTES, line_reader

LONGEST_ROW = 128 * 1024**2
"""Bytes of a row that is looked at: a record and an answer fit."""


class RowEnds(Protocol):
    """The rows that end in a block; `exit` is the state in which the next block is entered."""

    @property
    def count(self) -> int: ...

    @property
    def exit(self) -> State: ...

    def end(self, row: int) -> int:
        """Where in the block it ends."""
        ...


FindRows = Callable[[bytes, State], RowEnds]


@dataclass
class _Lines:
    """Each line is a row. Most blocks are only counted."""

    block: bytes
    exit: State

    @cached_property
    def count(self) -> int:
        return self.block.count(b"\n")

    def end(self, row: int) -> int:
        return self._ends[row]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(line) + 1 for line in self.block.split(b"\n")))


def row_finder(style: LineStyle, *, one_line_each: bool) -> FindRows:
    """How the rows of an output are told apart: in CSV, a newline within quotes ends none."""
    joined = style.join == "input" and style.fmt == "csv"
    if one_line_each or not (joined or media_type(style.accept) == "text/csv"):
        return _Lines
    return line_reader(Dialect(Format.CSV, style.delimiter if joined else ","))


class Rows:
    """Reads an output once, from its beginning; `number` is that of the next row.

    Its methods raise PermanentError `OutputMismatch` where the output has no such rows.
    """

    def __init__(self, blocks: Iterable[bytes], find: FindRows) -> None:
        self.number = 0
        self._blocks, self._find = _cut(blocks), find
        self._block, self._ends = b"", find(b"", State.START)
        self._at = self._done = 0  # bytes and rows of the block that are behind us

    def up_to(self, number: int) -> Iterator[bytes]:
        """All that is left before the row of this number."""
        while number - self.number > self._left:
            yield self._rest_of_block()
            self._next_block()
        if number > self.number:
            yield self._through(number - self.number)

    def take(self) -> bytes:
        """The next row, with its line end."""
        parts: list[bytes] = []
        while not self._left:
            parts.append(self._rest_of_block())
            if sum(map(len, parts)) > LONGEST_ROW:
                raise mismatch(f"row {self.number} has more than {LONGEST_ROW} bytes")
            self._next_block()
        return b"".join([*parts, self._through(1)])

    def rest(self) -> Iterator[bytes]:
        """All that is left."""
        yield self._rest_of_block()
        while self._advance():
            yield self._rest_of_block()
        last = self._ends.end(self._ends.count - 1) if self._ends.count else 0
        if last < len(self._block):
            raise mismatch("its last row has no end")

    @property
    def _left(self) -> int:
        return self._ends.count - self._done

    def _through(self, rows: int) -> bytes:
        self._done += rows
        self.number += rows
        start, self._at = self._at, self._ends.end(self._done - 1)
        return self._block[start : self._at]

    def _rest_of_block(self) -> bytes:
        self.number += self._left
        self._done = self._ends.count
        start, self._at = self._at, len(self._block)
        return self._block[start:]

    def _next_block(self) -> None:
        if not self._advance():
            raise mismatch(f"it has only {self.number} rows")

    def _advance(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._block, self._ends = block, self._find(block, self._ends.exit)
        self._at = self._done = 0
        return True


def _cut(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of a size at which rows are found fast."""
    for block in blocks:
        for at in range(0, len(block), BLOCK_BYTES):
            yield block[at : at + BLOCK_BYTES]


def mismatch(problem: str) -> PermanentError:
    """The output is not what its manifest and its error file say."""
    message = f"the output cannot be merged into: {problem}; drop the whole file again"
    return PermanentError("OutputMismatch", message)
