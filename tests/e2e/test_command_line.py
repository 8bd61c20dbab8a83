"""The command as a user runs it, in a process of its own, beside a running stack."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from examples.echo.echo_reference import expected_lines
from tests.e2e.conftest import STATE
from tests.e2e.harness import Stack

PENSTOCK = Path(sys.executable).with_name("penstock")
RECORDS = [f"line {number}".encode() for number in range(500)]


def penstock(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Finds the stack by the folder it runs in, as in a checkout."""
    command = [str(PENSTOCK), *map(str, words)]
    return subprocess.run(  # noqa: S603  our own command
        command, cwd=STATE, capture_output=True, text=True, check=False
    )


@pytest.fixture
def file(echo: Stack, tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"\n".join(RECORDS))
    return path


def test_a_file_is_submitted_followed_and_its_results_fetched(file: Path, tmp_path: Path) -> None:
    submitted = penstock("submit", file, "--pipeline", "cli", "--wait")
    target = tmp_path / "predictions"
    fetched = penstock("results", "lines.txt", "-o", target)

    assert (submitted.returncode, fetched.returncode) == (0, 0), submitted.stderr + fetched.stderr
    assert "500 records: 500 predicted" in submitted.stdout
    assert target.read_text().splitlines() == expected_lines(RECORDS)


def test_a_partial_job_has_exit_code_1_and_its_errors_can_be_read(
    file: Path, echo: Stack, tmp_path: Path
) -> None:
    configuration = tmp_path / "pipeline.yaml"
    configuration.write_text("invoke: {endpoint: echo}\nchunk: {max_records: 100}\n")
    file.write_bytes(b"\n".join([*RECORDS, b"poison"]))

    configured = penstock("configure", configuration, "--pipeline", "cli-partial")
    submitted = penstock("submit", file, "--pipeline", "cli-partial", "--name", "p.txt", "--wait")
    errors = penstock("results", "p.txt", "--errors")

    assert configured.returncode == 0, configured.stderr
    assert submitted.returncode == 1
    assert "PARTIAL" in submitted.stdout
    assert [json.loads(line)["record"] for line in errors.stdout.splitlines()] == [500]


def test_status_lists_the_newest_jobs_and_details_one(file: Path) -> None:
    submitted = penstock("submit", file, "--pipeline", "cli-status", "--wait")
    job_id = submitted.stdout.split()[1]

    listing = penstock("status")
    details = json.loads(penstock("status", job_id[:8], "--json").stdout)

    assert job_id in listing.stdout
    assert details["status"] == "SUCCEEDED"
    assert details["job_id"] == job_id


def test_a_file_that_does_not_exist_is_wrong_usage(echo: Stack) -> None:
    assert penstock("submit", "nowhere.csv").returncode == 2
