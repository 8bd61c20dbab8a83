"""How fast records are found and chunks planned, beside the readers that Python people know.

    python benchmarks/splitting.py [--megabytes 256] [--rounds 5]
    python benchmarks/splitting.py --memory

Writes its own files, the same each time, to a temporary directory. One core, one process. All
contestants read the same file from the page cache; rounds are interleaved, so that a busy moment of
the machine hits all of them; the figures are medians.
"""

import argparse
import csv
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from penstock.domain.splitting import ByteRange, ChunkLimits, Dialect, Format, RegionScanner

MB = 1_000_000
MIB = 1024 * 1024
LIMITS = ChunkLimits(max_records=1000, max_bytes=4 * MIB)
CSV = Dialect(Format.CSV)
JSONL = Dialect(Format.JSONL)

Contestant = Callable[[Path], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="peak memory instead of speed")
    parser.add_argument("--scan", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.scan:
        _print_peak(arguments.scan)
        return
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            _measure_memory(Path(folder))
        else:
            _measure_speed(Path(folder), arguments.megabytes, arguments.rounds)


def _measure_speed(folder: Path, megabytes: int, rounds: int) -> None:
    rows = _written(folder / "rows.csv", _csv_rows(), megabytes)
    _table("CSV", rows, _csv_contestants(), rounds)
    rows.unlink()
    stray = _written(folder / "stray.csv", _stray_rows(), megabytes)
    _table("CSV with a stray quote in each row", stray, _csv_contestants(), rounds)
    stray.unlink()
    lines = _written(folder / "lines.jsonl", _json_lines(), megabytes)
    _table("JSON Lines", lines, _jsonl_contestants(), rounds)


def _csv_contestants() -> dict[str, Contestant]:
    return {
        "csv.reader": _csv_reader,
        "pyarrow.csv, one thread": _pyarrow,
        "penstock, blocks of 1 MiB": lambda path: _scan(path, CSV, MIB),
        "penstock, blocks of 8 MiB": lambda path: _scan(path, CSV, 8 * MIB),
        "penstock, region inside the file": lambda path: _scan(path, CSV, MIB, start=10 * MIB),
    }


def _jsonl_contestants() -> dict[str, Contestant]:
    return {
        "for line in file": _iterate,
        "count and rfind in each block": _floor,
        "penstock, blocks of 1 MiB": lambda path: _scan(path, JSONL, MIB),
        "penstock, blocks of 8 MiB": lambda path: _scan(path, JSONL, 8 * MIB),
    }


def _csv_reader(path: Path) -> int:
    with path.open(newline="\n", encoding="utf-8") as file:
        return sum(1 for row in csv.reader(file) if row)


def _pyarrow(path: Path) -> int:
    read = pa.csv.ReadOptions(use_threads=False, block_size=MIB, autogenerate_column_names=True)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    with pa.csv.open_csv(path, read_options=read, parse_options=parse) as reader:
        return sum(batch.num_rows for batch in reader)


def _iterate(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _floor(path: Path) -> int:
    return sum(block.count(b"\n") + (block.rfind(b"\n") < 0) for block in _blocks(path, MIB))


def _scan(path: Path, dialect: Dialect, block_bytes: int, start: int = 0) -> int:
    """`start` moves the region: elsewhere than at 0, it is scanned under every hypothesis."""
    region = ByteRange(start, start + path.stat().st_size)
    scanner = RegionScanner(dialect, LIMITS, region, region.end)
    for block in _blocks(path, block_bytes):
        scanner.feed(block)
    return scanner.finish().passages[0].records


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while block := file.read(size):
            yield block


def _table(title: str, path: Path, contestants: dict[str, Contestant], rounds: int) -> None:
    size = path.stat().st_size
    times: dict[str, list[float]] = {name: [] for name in contestants}
    records: dict[str, object] = {}
    for _ in range(rounds):
        for name, run in contestants.items():
            began = time.perf_counter()
            records[name] = run(path)
            times[name].append(time.perf_counter() - began)
    medians = {name: size / statistics.median(taken) / MB for name, taken in times.items()}
    first = next(iter(medians.values()))
    print(f"\n{title}: {size / MB:.0f} MB, median of {rounds} rounds\n")
    print("| | MB/s | slowest to fastest | times the first | records |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, speed in medians.items():
        span = f"{size / max(times[name]) / MB:.0f} to {size / min(times[name]) / MB:.0f}"
        print(f"| {name} | {speed:.0f} | {span} | {speed / first:.1f} | {records[name]} |")


def _measure_memory(folder: Path) -> None:
    print("| file | peak resident memory of the process |\n| --- | ---: |")
    for megabytes in (10, 1000):
        for name, rows in (("rows.csv", _csv_rows()), ("lines.jsonl", _json_lines())):
            path = _written(folder / name, rows, megabytes)
            command = [sys.executable, __file__, "--scan", str(path)]
            peak = subprocess.run(command, capture_output=True, check=True, text=True).stdout
            print(f"| {name}, {megabytes} MB | {peak.strip()} |")
            path.unlink()


def _print_peak(path: Path) -> None:
    _scan(path, CSV if path.suffix == ".csv" else JSONL, MIB, start=10 * MIB)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{peak * (1 if sys.platform == 'darwin' else 1024) / MB:.0f} MB")


def _written(path: Path, rows: list[bytes], megabytes: int) -> Path:
    """The rows over and over, numbered so that blocks never hold the same bytes."""
    size = 0
    with path.open("wb") as file:
        number = 0
        while size < megabytes * MB:
            part = b"".join(row % (number + i) for i, row in enumerate(rows))
            size += file.write(part)
            number += len(rows)
    return path


def _csv_rows() -> list[bytes]:
    """About 125 bytes: one or two quoted fields, one row in ten with newlines or doubled quotes."""
    rng = random.Random(42)  # noqa: S311
    texts = [b"Rain in the morning, sun later"] * 8 + [
        b"two\nlines of text",
        b'he said ""no"", twice',
    ]
    return [
        b'%%d,%.6f,%d,"%s %s",%s,%s\n'
        % (
            rng.random(),
            rng.randint(0, 10**9),
            rng.choice(texts),
            b"x" * rng.randint(5, 40),
            rng.choice([b'"Berlin, Germany"', b"Lisbon"]),
            b"abcdef" * rng.randint(1, 6),
        )
        for _ in range(20_000)
    ]


def _stray_rows() -> list[bytes]:
    return [row.replace(b",Lisbon", b',5" pipe') for row in _csv_rows() if b"Lisbon" in row]


def _json_lines() -> list[bytes]:
    """About 200 bytes."""
    rng = random.Random(42)  # noqa: S311
    return [
        b'{"id": %%d, "score": %.6f, "text": "%s", "tags": ["a", "b"]}\n'
        % (rng.random(), b"lorem ipsum " * rng.randint(8, 14))
        for _ in range(20_000)
    ]


if __name__ == "__main__":
    main()
