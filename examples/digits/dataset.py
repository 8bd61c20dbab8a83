"""The handwritten digits that ship inside scikit-learn, split once and for all.

One third is for training; two thirds are held out, so that the held-out images, each nudged by
one pixel in every direction, make more than 10,000 records that the model has never seen.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXELS = 64
SIDE = 8
TRAINING_IMAGES = 599
SPLIT_SEED = 20
SHIFTS = tuple((down, right) for down in (0, -1, 1) for right in (0, -1, 1))  # (0, 0) comes first


@dataclass(frozen=True)
class Digits:
    """Images as rows of 64 integer pixels, 0 to 16, and the digit that each one shows."""

    pixels: "NDArray[np.int64]"
    labels: "NDArray[np.int64]"


@cache
def split() -> tuple[Digits, Digits]:
    """The training images and the held-out images, the same on every machine."""
    pixels, labels = load_digits(return_X_y=True)
    train_x, held_x, train_y, held_y = train_test_split(
        pixels.astype(np.int64),
        labels.astype(np.int64),
        train_size=TRAINING_IMAGES,
        random_state=SPLIT_SEED,
        stratify=labels,
    )
    return Digits(train_x, train_y), Digits(held_x, held_y)


def nudge(digits: Digits) -> Digits:
    """Nine times as many images: the originals, then one block for each of the 8 directions."""
    padded = np.pad(digits.pixels.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    blocks = [_window(padded, down, right) for down, right in SHIFTS]
    return Digits(np.concatenate(blocks), np.tile(digits.labels, len(SHIFTS)))


def _window(padded: "NDArray[np.int64]", down: int, right: int) -> "NDArray[np.int64]":
    top, left = 1 - down, 1 - right
    return padded[:, top : top + SIDE, left : left + SIDE].reshape(-1, PIXELS)
