import sys
from pathlib import Path

import pytest

from penstock_local import environments


@pytest.fixture
def environment(tmp_path):
    """Complete, with this test's interpreter in the place of its own."""
    requirements = tmp_path / "tool.txt"
    requirements.write_text("tool==1")
    path = tmp_path / "venv"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").symlink_to(sys.executable)
    made = environments.Environment("tool", path, requirements)
    (path / environments.STAMP).write_text(environments._digest(made))
    return made


def test_an_environment_with_its_stamp_is_installed(environment):
    assert environments.is_installed(environment)


def test_a_changed_lock_file_calls_for_an_installation(environment):
    environment.requirements.write_text("tool==2")

    assert not environments.is_installed(environment)


def test_an_interrupted_installation_left_no_stamp_and_is_repeated(environment):
    (environment.path / environments.STAMP).unlink()

    assert not environments.is_installed(environment)


def test_an_environment_whose_interpreter_is_gone_is_not_installed(environment):
    environment.python.unlink()
    environment.python.symlink_to("/nonexistent/python")

    assert not environments.is_installed(environment)


def test_an_installed_environment_is_left_alone(environment, monkeypatch):
    monkeypatch.setattr(environments, "environments", lambda _: {"tool": environment})
    said: list[str] = []

    environments.install(Path("/unused"), ["tool"], said.append)

    assert said == []


def test_the_version_of_an_environment_is_that_of_its_interpreter(environment):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"

    assert environments.python_version(environment) == version
