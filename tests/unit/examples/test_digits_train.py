import json
import tarfile

import numpy as np
import pytest

from examples.digits.dataset import Digits, nudge, split
from examples.digits.train import archive, main, train


def test_the_model_is_right_for_more_than_95_of_100_unseen_digits(model_dir):
    metadata, _ = train(model_dir)
    assert metadata.accuracy > 0.95
    assert metadata.accuracy_nudged > 0.95


def test_an_up_to_date_model_is_left_alone(model_dir):
    before = (model_dir / "model.joblib").stat().st_mtime_ns
    _, trained = train(model_dir)
    assert not trained
    assert (model_dir / "model.joblib").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["half a model", "no metadata", "other version"])
def test_a_damaged_or_outdated_model_is_trained_again(model_dir, tmp_path, damage):
    for name in ("model.joblib", "metadata.json"):
        (tmp_path / name).write_bytes((model_dir / name).read_bytes())
    match damage:
        case "half a model":
            (tmp_path / "model.joblib").write_bytes(b"half")
        case "no metadata":
            (tmp_path / "metadata.json").unlink()
        case "other version":
            metadata = json.loads((tmp_path / "metadata.json").read_text())
            (tmp_path / "metadata.json").write_text(json.dumps(metadata | {"scikit_learn": "0.1"}))
    _, trained = train(tmp_path)
    assert trained


def test_training_twice_gives_the_same_bytes(model_dir, tmp_path):
    train(tmp_path)
    assert (tmp_path / "model.joblib").read_bytes() == (model_dir / "model.joblib").read_bytes()


def test_the_archive_holds_the_model_folder_at_its_root(model_dir, tmp_path):
    archive(model_dir, tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert sorted(tar.getnames()) == ["metadata.json", "model.joblib"]


def test_the_command_says_that_nothing_had_to_be_done(model_dir, capsys):
    main(["--model-dir", str(model_dir)])
    assert "up to date" in capsys.readouterr().out


def test_no_held_out_image_was_trained_on():
    training, held_out = split()
    assert len(training.labels) + len(held_out.labels) == 1797
    assert not set(map(bytes, training.pixels)) & set(map(bytes, held_out.pixels))


def test_a_nudge_moves_the_image_by_one_pixel_in_each_direction():
    image = np.zeros((8, 8), dtype=np.int64)
    image[3, 3] = 16
    nudged = nudge(Digits(image.reshape(1, 64), np.array([1])))
    places = [tuple(map(int, np.argwhere(row.reshape(8, 8))[0])) for row in nudged.pixels]
    assert places[0] == (3, 3)
    assert sorted(places) == [(row, column) for row in (2, 3, 4) for column in (2, 3, 4)]
    assert nudged.labels.tolist() == [1] * 9
