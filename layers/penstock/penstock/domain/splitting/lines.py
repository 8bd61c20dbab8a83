"""The lines of one block of bytes, as seen from one state."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate, repeat

from penstock.domain.splitting.fills import BLANK_RULES
from penstock.domain.splitting.model import Dialect, Format, State
from penstock.domain.splitting.quotes import uncover

BLOCK_BYTES = 64 * 1024  # fits a core's cache, and bounds what a block of empty lines costs


@dataclass
class BlockLines:
    """The `size` bytes of a block. `rows` is `text` cut at its newlines: one more than line ends.

    In `text` a quoted section is one quote character; `hidden` holds what stood between the quotes.
    """

    size: int
    text: bytes
    rows: list[bytes]
    exit: State
    blanks: Sequence[int] = ()  # rows that are blank lines, but for the first and the last row
    hidden: Sequence[bytes] = ()
    opened_before: bool = False  # the first hidden section's opening quote is in an earlier block
    _asked: bool = False

    @property
    def count(self) -> int:
        return len(self.rows) - 1

    @cached_property
    def ends(self) -> list[int]:
        """Where each line ends, after its newline, from the start of the block."""
        shown = (length + i for i, length in enumerate(accumulate(map(len, self.rows[:-1])), 1))
        if not self.hidden:
            return list(shown)
        # A hidden section of n bytes and its two quotes are one byte in the text.
        extra = list(accumulate(map(len, self.hidden), initial=-self.opened_before))
        sections = accumulate(map(bytes.count, self.rows, repeat(b'"')))
        return [end + extra[k] + k for end, k in zip(shown, sections, strict=False)]

    def end(self, row: int) -> int:
        """The same as `ends[row]`. Most blocks are asked for the last one and at most one other."""
        if row == self.count - 1:
            return self._last_end
        if self._asked:
            return self.ends[row]
        self._asked = True
        shown = sum(map(len, self.rows[: row + 1])) + row + 1
        if not self.hidden:
            return shown
        sections = self.text.count(b'"', 0, shown)
        return shown + sum(map(len, self.hidden[:sections])) + sections - self.opened_before

    @cached_property
    def _last_end(self) -> int:
        rest = self.rows[-1]
        if not self.hidden:
            return self.size - len(rest)
        sections = rest.count(b'"')
        extra = sum(map(len, self.hidden[len(self.hidden) - sections :])) + sections
        return self.size - len(rest) - extra + (self.exit is State.QUOTED)


LineReader = Callable[[bytes, State], BlockLines]


def line_reader(dialect: Dialect) -> LineReader:
    if dialect.format is Format.CSV:
        return partial(_csv_lines, dialect.delimiter.encode())
    return _json_lines if dialect.format is Format.JSONL else _text_lines


def blocks_of(data: bytes) -> Iterable[bytes]:
    if len(data) <= BLOCK_BYTES:
        return (data,) if data else ()
    return (data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES))


def _text_lines(block: bytes, state: State) -> BlockLines:
    return BlockLines(len(block), block, block.split(b"\n"), state)


def _json_lines(block: bytes, state: State) -> BlockLines:
    rows = block.split(b"\n")
    return BlockLines(len(block), block, rows, state, _blank_rows(rows, Format.JSONL))


def _csv_lines(delimiter: bytes, block: bytes, state: State) -> BlockLines:
    seen = uncover(block, state, delimiter)
    rows = seen.text.split(b"\n")
    return BlockLines(
        size=len(block),
        text=seen.text,
        rows=rows,
        exit=seen.exit,
        blanks=_blank_rows(rows, Format.CSV),
        hidden=seen.hidden,
        opened_before=seen.entry is State.QUOTED,
    )


def _blank_rows(rows: list[bytes], format_: Format) -> Sequence[int]:
    # White space sorts before nearly all that a record begins with: one comparison a row tells the
    # rare block that may have a blank line from the others.
    if min(rows[1:-1], default=b"!") >= b"!":
        return ()
    candidates = [i for i in range(1, len(rows) - 1) if not rows[i].strip(b" \t\r")]
    rule = BLANK_RULES[format_]
    return [i for i in candidates if not rows[i] or rule.fill_of(rows[i]) in rule.blank]
