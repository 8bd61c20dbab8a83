import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from penstock.domain.errors import RetryableError
from penstock_cli.lazy import LazyCommand, LazyGroup
from penstock_cli.main import main

GOOD = """\
invoke: {mode: async, endpoint: digits}
chunk: {max_records: 500, max_bytes: 1MiB}
deadline: 2h
"""


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_help_names_every_command():
    result = run("--help")

    assert result.exit_code == 0
    commands = result.output.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in commands.splitlines()] == [
        "submit",
        "configure",
        "status",
        "results",
        "redrive",
        "cancel",
        "dlq",
        "validate",
        "connect",
        "local",
    ]


@pytest.mark.parametrize(
    "command",
    ["submit", "configure", "status", "results", "redrive", "cancel", "dlq", "validate"],
)
def test_every_command_explains_itself(command):
    result = run(command, "--help")

    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {command}")


def test_the_version_is_that_of_the_package():
    assert run("--version").output.startswith("penstock 0.")


def test_an_unknown_command_is_a_usage_error():
    result = run("sumbit")

    assert result.exit_code == 2
    assert "sumbit" in result.stderr


def test_help_and_validate_do_not_pay_for_the_sdk():
    program = (
        "import sys\n"
        "from penstock_cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "import penstock_cli.validate_command\n"
        "print('boto3' in sys.modules, 'penstock_local' in sys.modules)\n"
    )
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert answer.stdout.splitlines()[-1] == "False False"


def test_an_error_that_may_pass_exits_with_1_and_its_message():
    group = LazyGroup("group", lazy={})

    @group.command()
    def fetch():
        raise RetryableError("SlowDown", "s3://b/k: please reduce your rate")

    result = CliRunner().invoke(group, ["fetch"])

    assert (result.exit_code, result.stderr) == (1, "Error: s3://b/k: please reduce your rate\n")


def test_a_command_is_imported_only_when_it_is_used():
    lazy = {"gone": LazyCommand("module_that_is_missing", "command", "Help.")}
    group = LazyGroup("group", lazy=lazy)

    assert CliRunner().invoke(group, ["--help"]).exit_code == 0
    with pytest.raises(ModuleNotFoundError):
        group.get_command(click.Context(group), "gone")


def test_a_valid_pipeline_file_is_summed_up(tmp_path):
    path = tmp_path / "_pipeline.yaml"
    path.write_text(GOOD)

    result = run("validate", path)

    assert result.exit_code == 0
    assert result.output == (
        f"{path} is valid: async on endpoint digits, chunks of at most 500 records and 1.0 MiB, "
        "deadline 2h 00m\n"
    )


def test_each_problem_of_a_pipeline_file_is_a_line_on_stderr(tmp_path):
    path = tmp_path / "_pipeline.yaml"
    path.write_text(GOOD.replace("500", "-1") + "retries: 5\n")

    result = run("validate", path)

    assert result.exit_code == 1
    first, second = sorted(result.stderr.splitlines())
    assert first.startswith(f"{path}, line 2: `chunk.max_records` is -1: ")
    assert second == f"{path}, line 4: unknown key `retries`; remove it or mend its spelling"
    assert result.stdout == ""
