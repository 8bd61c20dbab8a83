import os
from pathlib import Path

from penstock_local import sam
from penstock_local.layout import Layout


def project(folder: Path) -> sam.Sam:
    (folder / "functions" / "split_input").mkdir(parents=True)
    (folder / "functions" / "split_input" / "app.py").write_text("1")
    (folder / "template.yaml").write_text("Resources: {}")
    return sam.Sam(Layout(folder, folder / ".penstock"), folder / "template.yaml", "3.12")


def test_the_fingerprint_stays_while_nothing_changes(tmp_path):
    tool = project(tmp_path)

    assert tool.source_fingerprint() == tool.source_fingerprint()


def test_a_changed_function_changes_the_fingerprint(tmp_path):
    tool = project(tmp_path)
    before = tool.source_fingerprint()

    (tmp_path / "functions" / "split_input" / "app.py").write_text("2")

    assert tool.source_fingerprint() != before


def test_a_new_file_changes_the_fingerprint(tmp_path):
    tool = project(tmp_path)
    before = tool.source_fingerprint()

    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "new.py").touch()

    assert tool.source_fingerprint() != before


def test_another_interpreter_changes_the_fingerprint(tmp_path):
    tool = project(tmp_path)

    other = sam.Sam(tool.layout, tool.template, "3.13")

    assert other.source_fingerprint() != tool.source_fingerprint()


def test_compiled_files_do_not_change_the_fingerprint(tmp_path):
    tool = project(tmp_path)
    before = tool.source_fingerprint()

    cache = tmp_path / "functions" / "split_input" / "__pycache__"
    cache.mkdir()
    (cache / "app.pyc").touch()

    assert tool.source_fingerprint() == before


def test_parameters_follow_one_option():
    options = sam.parameter_options({"A": "1", "B": ""})

    assert options == ["--parameter-overrides", "A=1", "B="]
    assert sam.parameter_options({}) == []


def test_the_runtime_is_that_of_the_interpreter_that_runs_the_functions(tmp_path):
    parameters = project(tmp_path).platform_parameters()

    assert parameters["PythonRuntime"] == "python3.12"
    assert parameters["Architecture"] in {"arm64", "x86_64"}


def test_only_the_newest_builds_are_kept(tmp_path):
    for age, name in enumerate("abcde"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "template.yaml").touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))

    sam.remove_oldest(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]
