"""`penstock connect` on endpoints that are there."""

import json
from pathlib import Path

import pytest

from examples.inference_types import EXAMPLES
from tests.e2e.harness import Stack
from tests.e2e.test_command_line import penstock


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "_pipeline.yaml"
    path.write_text(EXAMPLES["realtime"].pipeline)
    return path


def test_an_endpoint_that_is_wired_to_the_stack_suits(echo: Stack) -> None:
    done = penstock("connect", "echo", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["suits"]
    levels = {each["what"]: each["level"] for each in document["findings"]}
    assert levels["SuccessTopic is the stack's"] == "fine"
    assert levels["asynchronous endpoint, mode: async"] == "fine"


def test_an_endpoint_of_another_kind_is_told_with_what_to_change(
    echo: Stack, tmp_path: Path
) -> None:
    path = tmp_path / "_pipeline.yaml"
    path.write_text("invoke: {mode: realtime, endpoint: echo}\n")

    done = penstock("connect", "echo", "--pipeline", str(path))

    assert done.returncode == 1
    assert "it is asynchronous" in done.stdout
    assert "-> set `invoke.mode: async`" in done.stdout
    assert "1 to change" in done.stderr


def test_a_pipeline_of_another_endpoint_is_wrong_usage(echo: Stack, pipeline: Path) -> None:
    done = penstock("connect", "echo", "--pipeline", str(pipeline))

    assert done.returncode == 2
    assert "is for endpoint types-realtime, not echo" in done.stderr


def test_an_endpoint_that_there_is_not_is_told(echo: Stack) -> None:
    done = penstock("connect", "nobody")

    assert done.returncode == 1
    assert "there is no endpoint nobody" in done.stderr
