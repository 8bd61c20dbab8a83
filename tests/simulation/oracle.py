"""What each record is and what its line must say, found without the product's own code."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.scenario import BOM, Scenario
from tests.unit.use_cases.world import predict

Line = list[str]
"""A line of the output: cells of CSV, or the one text."""


@dataclass(frozen=True)
class Record:
    """`refused` ones never reach the model; `number` is in its name, if it has one."""

    index: int
    raw: bytes
    number: int | None
    refused: bool
    expected: Line

    @property
    def nature(self) -> str:
        if len(self.raw) > 1100:
            return "huge"
        found = (nature for nature in ("crash", "bad", "short") if nature.encode() in self.raw)
        return next(found, "good")


def records_of(scenario: Scenario) -> list[Record]:
    rows = _raw_records(scenario)
    if scenario.header != "absent":
        rows = rows[1:]
    return [record_of(scenario, index, raw) for index, raw in enumerate(rows)]


def record_of(scenario: Scenario, index: int, raw: bytes) -> Record:
    refused = _refused(scenario, raw)
    expected = [] if refused else _expected(scenario, raw)
    return Record(index, raw, _number(raw), refused, expected)


def header_of(scenario: Scenario) -> bytes:
    """What each request begins with."""
    rows = _raw_records(scenario)
    return rows[0] + b"\n" if scenario.header == "send" and rows else b""


def _raw_records(scenario: Scenario) -> list[bytes]:
    body = scenario.body.removeprefix(BOM)
    if scenario.fmt == "csv":
        return _raw_rows(body)
    lines = [line.removesuffix(b"\r") for line in body.split(b"\n")]
    if scenario.fmt == "text":
        return lines if lines[-1] else lines[:-1]
    return [line for line in lines if line.strip(b" \t\r")]


def _raw_rows(body: bytes) -> list[bytes]:
    """csv.reader is fed line by line, so what it has read of one row is known."""
    lines = [line + b"\n" for line in body.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    fed: list[bytes] = []

    def feed() -> Iterator[str]:
        for line in lines:
            fed.append(line)
            yield line.decode("latin-1")

    rows = []
    for row in csv.reader(feed()):
        raw = b"".join(fed)
        fed.clear()
        if row:
            rows.append(raw.removesuffix(b"\n").removesuffix(b"\r"))
    return rows


def _number(raw: bytes) -> int | None:
    start, end = raw.find(b"r"), raw.find(b"x")
    digits = raw[start + 1 : end]
    return int(digits) if 0 <= start < end and digits.isdigit() else None


def _refused(scenario: Scenario, raw: bytes) -> bool:
    try:
        text = raw.decode()
        if scenario.fmt == "jsonl":
            json.loads(text)
    except ValueError:
        return True
    return scenario.mode == "models" and not _names_model(raw)


def _names_model(raw: bytes) -> bool:
    (row,) = cells(raw)
    return len(row) > 1


def _expected(scenario: Scenario, raw: bytes) -> Line:
    joined = scenario.join == "input"
    if scenario.fmt == "csv":
        (row,) = cells(raw)
        return [*(row if joined else []), predict("|".join(row))]
    text = raw.decode()
    if scenario.fmt == "text":
        return [f"{text}\t{predict(text)}" if joined else predict(text)]
    return [_expected_json(scenario, json.loads(text))]


def _expected_json(scenario: Scenario, value: object) -> str:
    answer = value if scenario.content_type == "application/json" else {"y": value}
    if scenario.join == "none":
        return canonical(answer)
    if isinstance(value, dict):
        return canonical(value | {"SageMakerOutput": answer})
    return canonical({"SageMakerInput": value, "SageMakerOutput": answer})


def canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def cells(data: bytes) -> list[Line]:
    """Rows of CSV, some of which are not UTF-8."""
    return [
        row
        for row in csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
        if row
    ]
