import pytest

from examples.digits.train import train


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits-model")
    train(folder)
    return folder
