"""Write input for the digits model: held-out digits, as they are and nudged by one pixel.

Usage: python -m examples.digits.make_data [--output FILE] [--records N] [--no-header]
    [--format csv|jsonl|text] [--quoted] [--poison INDEX[,INDEX]]

There are 10,782 different records; a larger file repeats them in the same order.
"""

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from examples.digits.dataset import PIXELS, nudge, split

DEFAULT_OUTPUT = Path(__file__).with_name("data") / "digits.csv"
DEFAULT_RECORDS = 10_782
FORMATS = ("csv", "jsonl", "text")
PIXEL_NAMES = tuple(f"pixel_{number}" for number in range(PIXELS))
POISON = "poison"
_SEPARATOR = {"csv": ",", "jsonl": ",", "text": " "}
_LINES_PER_WRITE = 2_000

# Everything that a line-based splitter of CSV gets wrong: commas, doubled quotes, newlines of both
# kinds, an empty line, a line that looks like a record.
_NOTES = (
    '"plain, with a comma"',
    '"said ""seven"", meant ""one"""',
    '"two\nlines"',
    '"a carriage return\r\nand a newline"',
    '"ends with an empty line\n\n"',
    '"0,1,2\n""0,1,2""\n"',
)


@dataclass(frozen=True)
class Shape:
    """`poison` holds 0-based record indices; such a record has a pixel that is not a number.

    `quoted` puts a free-text column before the pixels (CSV only).
    """

    records: int = DEFAULT_RECORDS
    format: str = "csv"
    header: bool = True
    quoted: bool = False
    poison: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {self.format!r}")
        if self.quoted and self.format != "csv":
            raise ValueError("quoted notes exist in CSV only")
        if any(not 0 <= index < self.records for index in self.poison):
            raise ValueError(f"poison indices must be from 0 to {self.records - 1}")


def lines(shape: Shape) -> Iterator[str]:
    """The file, one record at a time (the header first), each with its final newline."""
    if shape.format == "csv" and shape.header:
        yield ",".join(("note", *PIXEL_NAMES) if shape.quoted else PIXEL_NAMES) + "\n"
    bodies = itertools.cycle(_bodies(_SEPARATOR[shape.format]))
    for index, body in enumerate(itertools.islice(bodies, shape.records)):
        pixels = _poisoned(body, shape.format) if index in shape.poison else body
        yield _wrapped(index, pixels, shape)


def write_data(path: Path, shape: Shape | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as target:
        for batch in _batches(lines(shape or Shape())):
            target.write("".join(batch))


def true_labels(records: int) -> Iterator[int]:
    """What each record of a file of that many records shows."""
    labels = nudge(split()[1]).labels.tolist()
    return itertools.islice(itertools.cycle(labels), records)


@cache
def _bodies(separator: str) -> Sequence[str]:
    rows = nudge(split()[1]).pixels.tolist()
    return [separator.join(map(str, row)) for row in rows]


def _poisoned(body: str, file_format: str) -> str:
    separator = _SEPARATOR[file_format]
    _, rest = body.split(separator, 1)
    return separator.join((f'"{POISON}"' if file_format == "jsonl" else POISON, rest))


def _wrapped(index: int, pixels: str, shape: Shape) -> str:
    if shape.format == "jsonl":
        return f'{{"features":[{pixels}]}}\n'
    if shape.quoted:
        return f"{_NOTES[index % len(_NOTES)]},{pixels}\n"
    return pixels + "\n"


def _batches(items: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, _LINES_PER_WRITE)):
        yield batch


def _indices(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Write input for the digits model.")
    parser.add_argument("--output", default=str(DEFAULT_OUTPUT), help="a file, or - for stdout")
    parser.add_argument("--records", type=int, default=DEFAULT_RECORDS)
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("--no-header", dest="header", action="store_false")
    parser.add_argument("--quoted", action="store_true", help="add a quoted free-text column")
    parser.add_argument("--poison", type=_indices, default=frozenset(), metavar="INDEX[,INDEX]")
    return parser


def main(arguments: list[str] | None = None) -> None:
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    output = options.pop("output")
    try:
        shape = Shape(**options)
    except ValueError as error:
        parser.error(str(error))
    if output == "-":
        sys.stdout.reconfigure(newline="")  # type: ignore[union-attr]  # a real text stream here
        sys.stdout.writelines(lines(shape))
        return
    write_data(Path(output), shape)
    print(f"{shape.records:,} records: {output}")


if __name__ == "__main__":
    main()
