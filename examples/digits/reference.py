"""The model called directly, in this process: what a job's output must say, line by line.

It shares no code with the server, so that the two can be held against each other.
"""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np

PIXELS = 64
HIGHEST_PIXEL = 16
ROWS_PER_CALL = 10_000


def predict_lines(model_dir: Path, csv_path: Path) -> list[str]:
    """The predicted digit of every record, in order.

    Raises:
        ValueError: a record that the model refuses, named by its index.
    """
    answers = predict_records(model_dir, csv_path)
    refused = [index for index, answer in enumerate(answers) if answer is None]
    if refused:
        raise ValueError(f"the model refuses record {refused[0]} ({len(refused)} in all)")
    return [answer for answer in answers if answer is not None]


def predict_records(model_dir: Path, csv_path: Path) -> list[str | None]:
    """As `predict_lines`, with None in the place of a record that the model refuses."""
    model = joblib.load(model_dir / "model.joblib")
    answers: list[str | None] = []
    with csv_path.open(encoding="utf-8", newline="") as source:
        records = _without_header(csv.reader(source, strict=True))
        while block := list(itertools.islice(records, ROWS_PER_CALL)):
            answers += _answers(model, block)
    return answers


def _without_header(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    first = next(rows, [])
    if first and first[-1] != f"pixel_{PIXELS - 1}":
        yield first
    yield from rows


def _answers(model: Any, rows: list[list[str]]) -> list[str | None]:
    pixels = [_pixels(row) for row in rows]
    good = np.array([row for row in pixels if row is not None]).reshape(-1, PIXELS)
    labels = iter(model.predict(good).tolist() if len(good) else [])
    return [None if row is None else str(next(labels)) for row in pixels]


def _pixels(row: list[str]) -> list[float] | None:
    fields = row[1:] if len(row) == PIXELS + 1 else row
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        return None
    fits = len(numbers) == PIXELS and all(0 <= number <= HIGHEST_PIXEL for number in numbers)
    return numbers if fits else None
