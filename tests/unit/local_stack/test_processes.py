import os
from dataclasses import replace

import pytest

from penstock_local import processes


@pytest.fixture
def program(tmp_path):
    started = processes.start(["/bin/sleep", "60"], tmp_path / "sleep.log", {})
    yield started
    processes.stop(started)


def test_a_stopped_program_runs_no_more(program):
    assert processes.is_running(program)

    processes.stop(program)

    assert not processes.is_running(program)


def test_a_program_that_got_the_same_id_later_is_not_stopped(program):
    ours = replace(program, started="an earlier time")

    processes.stop(ours)

    assert not processes.is_running(ours)
    assert processes.is_running(program)


def test_a_program_that_ignores_the_request_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    stubborn = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    program = processes.start(stubborn, tmp_path / "log", {"PATH": os.environ["PATH"]})
    assert processes.wait_until(lambda: "ready" in (tmp_path / "log").read_text(), 5)

    processes.stop(program)

    assert not processes.is_running(program)


def test_a_program_has_a_session_of_its_own(program):
    assert os.getsid(program.pid) == program.pid != os.getsid(0)


def test_a_program_is_remembered_in_a_file(program, tmp_path):
    program.save(tmp_path / "run" / "sleep.json")

    assert processes.Program.load(tmp_path / "run" / "sleep.json") == program


@pytest.mark.parametrize("text", ["", '{"pid": 1', '{"pid": 1}', "[]"])
def test_a_half_written_file_remembers_nothing(tmp_path, text):
    (tmp_path / "sleep.json").write_text(text)

    assert processes.Program.load(tmp_path / "sleep.json") is None


def test_the_start_time_is_found_behind_any_name():
    fields = " ".join(str(number) for number in range(4, 30))

    assert processes.parse_stat(f"7 (a) b) S {fields}") == "22"


def test_a_zombie_has_no_start_time():
    fields = " ".join(str(number) for number in range(4, 30))

    assert processes.parse_stat(f"7 (sh) Z {fields}") is None
