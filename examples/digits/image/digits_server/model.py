"""The trained model: records in, one prediction for each out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from numpy.typing import NDArray

from .refusals import BadRecordError, quote

PIXELS = 64
HIGHEST_PIXEL = 16
NOT_A_NUMBER = (OverflowError, TypeError, ValueError)
Record = Sequence[Any]


class ModelUnusableError(Exception):
    """The model folder can't be served; the message says what to do."""


@dataclass(frozen=True)
class Prediction:
    label: int
    probability: float


@dataclass(frozen=True)
class DigitsModel:
    classifier: Any

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        """One prediction per record, in order, computed in one go.

        Raises:
            BadRecordError: the first record that isn't 64 numbers from 0 to 16.
        """
        if not records:
            return []
        chances = self.classifier.predict_proba(to_matrix(records))
        best = chances.argmax(axis=1)
        labels = self.classifier.classes_[best].tolist()
        probabilities = chances[np.arange(len(best)), best].round(4).tolist()
        return [Prediction(*pair) for pair in zip(labels, probabilities, strict=True)]


def load(model_dir: Path) -> DigitsModel:
    """Raises ModelUnusableError; a pickled model works only with the version that wrote it."""
    try:
        trained_with = json.loads((model_dir / "metadata.json").read_text())["scikit_learn"]
    except OSError as error:
        raise ModelUnusableError(f"no model in {model_dir}: {error.strerror}") from error
    if trained_with != sklearn.__version__:
        wanted = f"trained with scikit-learn {trained_with}, this is {sklearn.__version__}"
        raise ModelUnusableError(f"the model in {model_dir} was {wanted}: train it again")
    model = DigitsModel(joblib.load(model_dir / "model.joblib"))
    model.predict([[0] * PIXELS])  # a model that can't predict must never be reported healthy
    return model


def to_matrix(records: Sequence[Record]) -> NDArray[np.float64]:
    """Raises BadRecordError for the first record that isn't 64 numbers from 0 to 16."""
    try:
        matrix = np.array(records, dtype=np.float64)
    except NOT_A_NUMBER:  # or ragged: one by one finds the culprit
        return _one_by_one(records)
    # Written so that NaN fails it.
    if matrix.shape[1:] == (PIXELS,) and bool(((matrix >= 0) & (matrix <= HIGHEST_PIXEL)).all()):
        return matrix
    return _one_by_one(records)


def _one_by_one(records: Sequence[Record]) -> NDArray[np.float64]:
    return np.array([_pixels(index, record) for index, record in enumerate(records)])


def _pixels(index: int, record: Record) -> list[float]:
    if len(record) != PIXELS:
        raise BadRecordError(index, f"expected {PIXELS} pixels, got {len(record)}")
    return [_pixel(index, position, value) for position, value in enumerate(record)]


def _pixel(index: int, position: int, value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever it is, the error says so
    except NOT_A_NUMBER:
        raise BadRecordError(index, f"pixel_{position} is not a number: {quote(value)}") from None
    if not 0 <= number <= HIGHEST_PIXEL:
        reason = f"pixel_{position} is not from 0 to {HIGHEST_PIXEL}: {quote(value)}"
        raise BadRecordError(index, reason)
    return number
