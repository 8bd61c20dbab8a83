"""The command line shows any name, and a terminal obeys nothing in it."""

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.domain.errors import PermanentError
from penstock.domain.job import Failure, Job, JobStatus
from penstock.domain.object_keys import pipeline_candidates
from penstock_local.logs import Line
from tests.unit.cli.world import World as CommandLine
from tests.unit.cli.world import finished, job_of, running
from tests.unit.security.names import HOSTILE_KEYS
from tests.unit.use_cases.world import World as Functions

ALL = pytest.mark.parametrize("key", HOSTILE_KEYS.values(), ids=HOSTILE_KEYS)
HARMFUL = {"Cc", "Cs", "Co", "Cn"}
"""Unicode's categories of control characters, surrogates, and what has no meaning."""
REVERSING = set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2028\u2029")


def job_with(key: str) -> Job:
    source = next(pipeline_candidates(key))
    made = running(job_of(key), 10, 1)
    failure = Failure("ObjectNotFound", f"s3://inputs/{key} does not exist")
    pipeline = replace(made.pipeline, source=source)
    return finished(replace(made, pipeline=pipeline), 10, JobStatus.FAILED, failure)


def is_harmless(text: str) -> bool:
    """For a terminal: it obeys nothing in it, and shows it in the order that it is written in."""
    return not any(
        (unicodedata.category(each) in HARMFUL and each != "\n") or each in REVERSING
        for each in text
    )


@ALL
@pytest.mark.parametrize("command", [["status"], ["status", "JOB"], ["status", "--json"]], ids=str)
def test_the_terminal_shows_a_job_of_any_name_and_obeys_nothing_in_it(
    world: CommandLine, command: list[str], key: str
) -> None:
    job = world.put(job_with(key))

    result = world.penstock(*(each.replace("JOB", job.job_id) for each in command))

    assert result.exit_code == 0
    assert is_harmless(result.output)
    if "--json" in command:
        (shown,) = json.loads(result.output)
        assert shown["input"]["key"] == key


@ALL
def test_a_failure_that_quotes_a_name_is_shown_without_its_escape_sequences(
    world: CommandLine, key: str
) -> None:
    job = world.put(job_with(key))
    world.deliver(job)

    result = world.penstock("results", job.job_id)

    assert result.exit_code == 1
    assert "has no predictions" in result.stderr
    assert is_harmless(result.stderr)


@ALL
def test_a_file_goes_up_under_any_name(world: CommandLine, tmp_path: Path, key: str) -> None:
    (tmp_path / "rows.txt").write_bytes(b"one\n")

    result = world.penstock("submit", tmp_path / "rows.txt", "--name", key)

    assert result.exit_code == 0, result.output
    assert is_harmless(result.output)
    assert world.s3.get_object(Bucket="inputs", Key=key)["Body"].read() == b"one\n"


@ALL
def test_a_log_line_that_names_a_file_is_one_line(key: str) -> None:
    document = {"level": "INFO", "message": "SplitFailed", "reason": f"s3://in/{key} is gone"}

    shown = Line(0, "SplitInput", json.dumps(document)).render()

    # What stands between line feeds is a line to a terminal, whatever Unicode calls a line.
    assert all(is_harmless(each) for each in shown.split("\n"))


def test_a_name_that_nothing_can_store_is_refused_wherever_it_comes_from(
    world: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "rows.txt").write_bytes(b"one\n")
    functions = Functions()

    result = world.penstock("submit", tmp_path / "rows.txt", "--name", "half \ud800.txt")
    with pytest.raises(PermanentError, match="is not UTF-8"):
        functions.handlers["upload"](Functions.event("input", "half \ud800.txt", 4, "e", "v"))

    assert result.exit_code == 2
    assert "half \\ud800.txt is not UTF-8" in result.stderr
    assert world.s3.list_objects_v2(Bucket="inputs")["KeyCount"] == 0
