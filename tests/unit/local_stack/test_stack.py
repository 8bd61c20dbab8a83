import pytest
from click.testing import CliRunner

from penstock_local import stack
from penstock_local.commands import local
from penstock_local.errors import LocalStackError
from penstock_local.layout import Layout


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path, tmp_path / "state")


def run_step(layout: Layout, target: str) -> bool:
    said: list[str] = []
    layout.stamp("deploy").parent.mkdir(parents=True, exist_ok=True)
    with stack._once(layout, "deploy", target, said.append) as is_due:
        return is_due


def test_a_step_runs_once_for_one_target(layout):
    assert run_step(layout, "a")
    assert not run_step(layout, "a")
    assert run_step(layout, "b")


def test_a_step_that_failed_is_run_again(layout):
    run_step(layout, "a")
    with (
        pytest.raises(LocalStackError),
        stack._once(layout, "deploy", "b", lambda _: None),
    ):
        raise LocalStackError("sam deploy failed")

    assert run_step(layout, "a")


def test_the_stack_gets_the_local_sagemaker_and_what_a_test_adds(layout):
    added = (("MaximumAttempts", "2"), ("InvokeConcurrency", "8"))

    parameters = stack.stack_parameters(
        stack.Wanted(layout, "digits", parameters=added), "http://127.0.0.1:1"
    )

    assert parameters["SageMakerRuntimeEndpointUrl"] == "http://127.0.0.1:1"
    assert parameters["EndpointName"] == "digits"
    assert parameters["MaximumAttempts"] == "2"
    assert parameters["InvokeConcurrency"] == "8"


def test_without_a_template_nothing_is_started(layout):
    with pytest.raises(LocalStackError, match="no template at"):
        stack.up(stack.Wanted(layout), lambda _: None)

    assert not layout.state_dir.exists()


def test_nothing_runs_where_nothing_was_started(layout):
    assert stack.running(layout) is None
    assert not stack.down(layout, lambda _: None)


def test_the_status_of_a_stack_that_is_down_is_a_failure(tmp_path):
    result = CliRunner().invoke(local, ["status", "--state-dir", str(tmp_path)])

    assert result.exit_code == 1
    assert "penstock local up" in result.output


def test_the_logs_of_a_stack_that_is_down_are_refused_with_a_hint(tmp_path):
    result = CliRunner().invoke(local, ["logs", "--state-dir", str(tmp_path)])

    assert result.exit_code == 1
    assert "Error: the local stack is down; `penstock local up` starts it" in result.output
