"""Commands that find no stack to work on: one line on stderr, and exit code 2."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from moto import mock_aws

from penstock_cli.main import main
from penstock_cli.options import Surroundings

LOCAL = ".penstock/local.json"


@dataclass(frozen=True)
class Unconnected:
    """No stack answers. `local` is what stands in the description of the local one."""

    typed: str
    says: tuple[str, ...]
    environment: Mapping[str, str | None] = field(default_factory=dict)
    local: str | None = None


NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}

UNCONNECTED = {
    "no stack at all": Unconnected(
        "status", ("start one with `penstock local up`", "no --stack NAME of a deployed one")
    ),
    "a region without a stack": Unconnected(
        "status --region eu-west-1", ("--region and --profile need --stack NAME",)
    ),
    "a stack that there is not": Unconnected(
        "status --stack nowhere",
        ("no stack nowhere in eu-central-1; check --stack, --region and --profile",),
    ),
    "a stack whose name nobody could give": Unconnected(
        "status --stack 'no such stack!'", ("no stack no such stack! in eu-central-1",)
    ),
    "no credentials": Unconnected(
        "status --stack demo", ("no AWS credentials; run `aws configure`", "--profile"), NO_KEYS
    ),
    "a profile that there is not": Unconnected(
        "status --stack demo --profile nobody", ("AWS credentials", "profile (nobody)")
    ),
    "no region": Unconnected(
        "status --stack demo",
        ("no AWS region; give --region or AWS_DEFAULT_REGION",),
        {"AWS_DEFAULT_REGION": None},
    ),
    "a description of the local stack that is empty": Unconnected(
        "status", ("local.json is damaged", "run `penstock local up` again"), local=""
    ),
    "a description of the local stack that is a list": Unconnected(
        "status", ("local.json is damaged", "run `penstock local up` again"), local="[]"
    ),
    "a description of the local stack without an address": Unconnected(
        "status",
        ("local.json is damaged", "no address: 'nowhere'", "run `penstock local up` again"),
        local='{"aws_endpoint_url": "nowhere"}',
    ),
    "a description of the local stack with an impossible port": Unconnected(
        "status", ("local.json is damaged",), local='{"aws_endpoint_url": "http://[::1]:99999"}'
    ),
}


@pytest.mark.parametrize("case", UNCONNECTED.values(), ids=UNCONNECTED)
def test_without_a_stack_stderr_says_how_to_get_one(tmp_path: Path, case: Unconnected) -> None:
    if case.local is not None:
        (tmp_path / LOCAL).parent.mkdir()
        (tmp_path / LOCAL).write_text(case.local)

    with mock_aws():
        result = CliRunner(env=case.environment).invoke(
            main, shlex.split(case.typed), obj=Surroundings(directory=lambda: tmp_path)
        )

    assert result.exit_code == 2, result.output
    assert all(each in result.stderr for each in case.says), result.stderr
    assert len(result.stderr.splitlines()) == 1
