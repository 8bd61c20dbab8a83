import json
from pathlib import Path
from typing import Any

import pytest

from penstock_cli.errors import WrongUsageError
from penstock_cli.target import Choice, Target, choose_target

LOCAL = {
    "aws_endpoint_url": "http://127.0.0.1:4566",
    "region": "us-east-1",
    "aws_access_key_id": "000000000000",
    "aws_secret_access_key": "secret",
    "stack_name": "penstock-local",
    "input_bucket": "in",
}


def start_local_stack(directory: Path, **changes: Any) -> None:
    path = directory / ".penstock" / "local.json"
    path.parent.mkdir()
    path.write_text(json.dumps(LOCAL | changes))


def test_the_local_stack_of_a_parent_directory_is_found(tmp_path):
    start_local_stack(tmp_path)
    below = tmp_path / "examples" / "digits"
    below.mkdir(parents=True)

    target = choose_target(Choice(), below)

    assert target == Target(
        stack="penstock-local",
        region="us-east-1",
        endpoint_url="http://127.0.0.1:4566",
        access_key="000000000000",
        secret_key="secret",
    )


def test_the_outputs_in_the_local_file_are_used_if_they_are_there(tmp_path):
    start_local_stack(tmp_path, outputs={"TableName": "jobs"})

    assert choose_target(Choice(), tmp_path).outputs == {"TableName": "jobs"}


def test_a_named_stack_comes_before_the_local_one(tmp_path):
    start_local_stack(tmp_path)

    target = choose_target(Choice("production", "eu-central-1", "work"), tmp_path)

    assert target == Target("production", "eu-central-1", "work")


def test_without_any_stack_the_message_names_both_remedies(tmp_path):
    with pytest.raises(WrongUsageError) as caught:
        choose_target(Choice(), tmp_path)

    assert "penstock local up" in caught.value.message
    assert "--stack" in caught.value.message


def test_a_region_without_a_stack_is_refused_rather_than_ignored(tmp_path):
    start_local_stack(tmp_path)

    with pytest.raises(WrongUsageError, match="need --stack"):
        choose_target(Choice(region="eu-central-1"), tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"region": "x"}'])
def test_a_damaged_local_file_is_named_with_a_remedy(tmp_path, text):
    start_local_stack(tmp_path)
    (tmp_path / ".penstock" / "local.json").write_text(text)

    with pytest.raises(WrongUsageError, match=r"local\.json is damaged .*penstock local up"):
        choose_target(Choice(), tmp_path)


def test_the_secret_key_stays_out_of_logs():
    assert "hidden" not in repr(Target("demo", secret_key="hidden"))
