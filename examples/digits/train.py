"""Train the digits model into a model folder. Up to date already: nothing to do.

Usage: python -m examples.digits.train [--model-dir DIR] [--archive model.tar.gz]
"""

import argparse
import hashlib
import json
import tarfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.ensemble import ExtraTreesClassifier

from examples.digits.dataset import PIXELS, TRAINING_IMAGES, nudge, split

DEFAULT_MODEL_DIR = Path(__file__).with_name("model")
MODEL_FILE = "model.joblib"
METADATA_FILE = "metadata.json"
REQUIRED_ACCURACY = 0.95

# Change it and every existing model is out of date. Trees rather than a kernel or a network: the
# answer for a record is then bit for bit the same whatever else is in the request.
RECIPE = {"model": "ExtraTreesClassifier", "n_estimators": 60, "random_state": 7}


@dataclass(frozen=True)
class Metadata:
    """`sha256` is that of the model file, so a half-written model is never taken as up to date."""

    scikit_learn: str
    classes: list[int]
    features: int
    training_images: int
    accuracy: float
    accuracy_nudged: float
    recipe: dict[str, Any]
    sha256: str


def train(model_dir: Path = DEFAULT_MODEL_DIR) -> tuple[Metadata, bool]:
    """The model's metadata, and whether it had to be trained."""
    current = _current(model_dir)
    if current:
        return current, False
    model_dir.mkdir(parents=True, exist_ok=True)
    metadata = _fit(model_dir / MODEL_FILE)
    _replace(model_dir / METADATA_FILE, json.dumps(asdict(metadata), indent=2) + "\n")
    return metadata, True


def archive(model_dir: Path, target: Path) -> None:
    """The `model.tar.gz` that SageMaker unpacks into /opt/ml/model."""
    with tarfile.open(target, "w:gz") as tar:
        for name in (MODEL_FILE, METADATA_FILE):
            tar.add(model_dir / name, arcname=name)


def _current(model_dir: Path) -> Metadata | None:
    try:
        found = Metadata(**json.loads((model_dir / METADATA_FILE).read_text()))
        digest = _sha256(model_dir / MODEL_FILE)
    except (OSError, TypeError, ValueError):  # absent, from another version, or damaged
        return None
    expected = (sklearn.__version__, RECIPE, digest)
    return found if (found.scikit_learn, found.recipe, found.sha256) == expected else None


def _fit(target: Path) -> Metadata:
    training, held_out = split()
    augmented, unseen = nudge(training), nudge(held_out)
    settings = {key: value for key, value in RECIPE.items() if key != "model"}
    model = ExtraTreesClassifier(**settings).fit(augmented.pixels, augmented.labels)
    partial = target.with_suffix(".partial")
    joblib.dump(model, partial, compress=1)
    partial.replace(target)
    return Metadata(
        scikit_learn=sklearn.__version__,
        classes=[int(label) for label in model.classes_],
        features=PIXELS,
        training_images=TRAINING_IMAGES,
        accuracy=round(float(model.score(held_out.pixels, held_out.labels)), 4),
        accuracy_nudged=round(float(model.score(unseen.pixels, unseen.labels)), 4),
        recipe=RECIPE,
        sha256=_sha256(target),
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train the digits model.")
    parser.add_argument("--model-dir", type=Path, default=DEFAULT_MODEL_DIR)
    parser.add_argument("--archive", type=Path, help="also write a model.tar.gz for SageMaker")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    metadata, trained = train(options.model_dir)
    verb = "trained" if trained else "up to date"
    print(f"{verb} in {time.perf_counter() - started:.1f} s: {options.model_dir}")
    print(f"accuracy {metadata.accuracy} held out, {metadata.accuracy_nudged} nudged")
    if metadata.accuracy < REQUIRED_ACCURACY:
        raise SystemExit(f"accuracy is below {REQUIRED_ACCURACY}")
    if options.archive:
        archive(options.model_dir, options.archive)


if __name__ == "__main__":
    main()
