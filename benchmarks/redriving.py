"""How fast a redrive is checked and merged: what the limit on its size is made of.

    python -m benchmarks.redriving [--megabytes 128] [--rounds 3]

One core, one process, everything in memory: the seconds that a function's processor is busy.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

from penstock.domain.merging import entries_of, entry_of, merge_steps, merged
from penstock.domain.output_lines import LineStyle, RecordError, Settled, error_lines, output_lines
from penstock.domain.output_rows import Rows, row_finder
from penstock.domain.redrive import Lineage, check_lines, lines_of
from penstock.domain.splitting import Dialect, Format

MB = 1_000_000
BLOCK = 1024**2
JOB = "0123456789abcdef0123"
STYLE = LineStyle("csv", "text/csv", "inline", "none")
ERROR = RecordError("ModelError", '{"error": "Bad Request", "reason": "record 0 is poison"}', 1)
RECORD = b"12345,some text of a record as it may be,0.25,0.5,yes,no,2026-11-22,abc\n" * 2

Bodies = tuple[bytes, bytes, bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("| | MB/s of output | MB/s of output and error file |\n| --- | ---: | ---: |")
    for name, every, row in (
        ("one in a million failed, a line each", 10**6, b"0.123456789"),
        ("one in a thousand failed", 1000, b"0.123456789"),
        ("one in a thousand failed, rows with newlines in quotes", 1000, b'"0.1\n""x""",0.2'),
        ("one in ten failed", 10, b"0.123456789"),
        ("all failed", 1, b"0.123456789"),
    ):
        bodies = _bodies(row, every, given.megabytes * MB)
        promised = _rows(bodies[0], row)
        seconds = _median(partial(_merge, bodies, row, promised), given.rounds)
        output, errors = len(bodies[0]) / MB, len(bodies[1]) / MB
        print(f"| merge: {name} | {output / seconds:,.0f} | {(output + errors) / seconds:,.0f} |")
    _, failed, _ = _bodies(b"0.1", 1, given.megabytes * MB)
    seconds = _median(lambda: _check(failed), given.rounds)
    print(f"| check: all lines of an error file | | {2 * len(failed) / seconds / MB:,.0f} |")


def _bodies(row: bytes, every: int, size: int) -> Bodies:
    """An output, its error file, and the entries of a redrive in which all succeeds."""
    output, failed, entries, total = [], [], [], 0
    for settled in _settled(row, every):
        lines = list(output_lines(STYLE, [settled]))
        output += lines
        errors = list(error_lines(JOB, [settled]))
        if errors:
            failed += errors
            again = Settled(settled.index, row)
            entries.append(entry_of(JOB, STYLE, again).to_bytes())
        total += len(lines[0]) + sum(map(len, errors))
        if total >= size:
            break
    return b"".join(output), b"".join(failed), b"".join(entries)


def _settled(row: bytes, every: int) -> Iterator[Settled]:
    index = 0
    while True:
        fails = index % every == 0
        yield Settled(index, ERROR if fails else row, RECORD, 0, len(RECORD))
        index += 1


def _merge(bodies: Bodies, row: bytes, promised: int) -> None:
    output, failed, entries = bodies
    steps = merge_steps(lines_of(_blocks(failed)), entries_of(_blocks(entries)))
    old = Rows(_blocks(output), row_finder(STYLE, one_line_each=b"\n" not in row))
    for _ in merged(old, steps, STYLE, promised):
        pass


def _rows(output: bytes, row: bytes) -> int:
    lines = output.count(b"\n")
    if b"\n" not in row:
        return lines
    return lines - output.count(row)


def _check(failed: bytes) -> None:
    lineage = Lineage(JOB, "x.csv", Dialect(Format.CSV))
    check_lines(lines_of(_blocks(failed)), lines_of(_blocks(failed)), lineage)


def _blocks(body: bytes) -> Iterator[bytes]:
    return (body[at : at + BLOCK] for at in range(0, len(body), BLOCK))


def _median(work: Callable[[], None], rounds: int) -> float:
    return statistics.median(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
