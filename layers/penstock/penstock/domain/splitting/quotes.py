"""Taking the quoted sections out of a block of CSV.

What remains has a newline exactly where a record ends. The fast way splits the block at its quotes
and takes every other piece: right if each quote that would open a section stands where a field
starts. That is checked for the whole block at once. Where it fails (`5" pipe`), the exact way
walks the pieces one by one, in the states of `csv.reader`.
"""

from dataclasses import dataclass
from functools import cache

from penstock.domain.splitting.model import State

_ORDINARY, _SEPARATOR, _QUOTE = b"\x00", b"\x01", b"\x02"
_MISPLACED = _ORDINARY + _QUOTE


@dataclass(frozen=True, slots=True)
class Uncovered:
    """`text` has one quote for each section in `hidden`: its two quotes and what is between them.

    A section that begins or ends in another block has only one of its quotes here, or none.
    """

    text: bytes
    hidden: list[bytes]
    entry: State
    exit: State


def uncover(block: bytes, state: State, delimiter: bytes) -> Uncovered:
    if b'"' not in block:
        return _without_quotes(block, state, delimiter)
    pieces = block.split(b'"')
    return by_parity(pieces, state, delimiter) or by_walking(pieces, state, delimiter)


def _without_quotes(block: bytes, state: State, delimiter: bytes) -> Uncovered:
    if state is State.QUOTED:
        return Uncovered(b'"', [block], state, state)
    return Uncovered(block, [], state, _after(block, state, delimiter))


def _after(text: bytes, state: State, delimiter: bytes) -> State:
    if not text:
        return state
    return State.START if text.endswith((delimiter, b"\n")) else State.PLAIN


def by_parity(pieces: list[bytes], state: State, delimiter: bytes) -> Uncovered | None:
    """None if a quote is not where it can open or close a section."""
    if state is State.QUOTED:
        shown, hidden = [b"", *pieces[1::2]], pieces[0::2]
    else:
        shown, hidden = pieces[0::2], pieces[1::2]
    open_ended = len(shown) == len(hidden)
    last = State.QUOTED if open_ended else _after(shown[-1], State.CLOSING, delimiter)
    if open_ended:
        shown.append(b"")
    text = b'"'.join(shown)
    if state is State.PLAIN and text.startswith(b'"'):
        return None
    if _MISPLACED in text.translate(_classes(delimiter)):
        return None
    return Uncovered(text, hidden, state, last)


@cache
def _classes(delimiter: bytes) -> bytes:
    table = bytearray(_ORDINARY * 256)
    table[ord("\n")] = table[ord(delimiter)] = ord(_SEPARATOR)
    table[ord('"')] = ord(_QUOTE)
    return bytes(table)


def by_walking(pieces: list[bytes], state: State, delimiter: bytes) -> Uncovered:
    """Exact for any bytes. A quote that is data is shown as an apostrophe: only lengths matter."""
    separators = delimiter + b"\n"
    shown: list[bytes] = [b'"'] if state is State.QUOTED else []
    hidden: list[bytes] = []
    quoted, may_open = state is State.QUOTED, state is not State.PLAIN
    for piece in pieces[:-1]:
        if quoted:
            hidden.append(piece)
            quoted, may_open = False, True
            continue
        if piece:
            may_open = piece[-1] in separators
        quoted = may_open
        shown += (piece, b'"' if quoted else b"'")
    (hidden if quoted else shown).append(pieces[-1])
    last = State.CLOSING if may_open else State.PLAIN  # if nothing comes after the last quote
    last = State.QUOTED if quoted else _after(pieces[-1], last, delimiter)
    return Uncovered(b"".join(shown), hidden, state, last)
