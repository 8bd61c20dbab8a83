"""`penstock connect`: what is printed, and the exit code. test_suitability.py has the findings."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console

from penstock_cli.connect_command import finding_table
from penstock_cli.suitability import Finding
from tests.unit.cli.world import STACK, World, client

TOPICS = {
    "InferenceSuccessTopicArn": "arn:aws:sns:us-east-1:123456789012:success",
    "InferenceErrorTopicArn": "arn:aws:sns:us-east-1:123456789012:error",
}
ASYNC = {
    "OutputConfig": {
        "S3OutputPath": "s3://work/async/output",
        "S3FailurePath": "s3://work/async/failure",
        "NotificationConfig": {
            "SuccessTopic": TOPICS["InferenceSuccessTopicArn"],
            "ErrorTopic": TOPICS["InferenceErrorTopicArn"],
        },
    }
}
TEMPLATE = {
    "Parameters": {"EndpointName": {"Type": "String"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
}


@dataclass
class FakeIam:
    """Simulates a role that may do all but what is in `denied`; moto can't."""

    denied: tuple[str, ...] = ()

    def simulate_principal_policy(
        self,
        PolicySourceArn: str,  # noqa: N803  AWS's names
        ActionNames: list[str],  # noqa: N803
        ResourceArns: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        assert PolicySourceArn.endswith(":role/endpoint")
        assert len(ResourceArns) == 1
        decision = "implicitDeny" if ActionNames[0] in self.denied else "allowed"
        return {"EvaluationResults": [{"EvalDecision": decision}]}

    def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803
        return {"Role": {"RoleName": RoleName}}


@pytest.fixture
def deployed(world: World) -> World:
    """A stack whose default endpoint `churn` is there, asynchronous and wired to it."""
    outputs = {**STACK.outputs, **TOPICS}
    world.connection = replace(world.connection, stack=replace(STACK, outputs=outputs))
    world.clients["iam"] = FakeIam()
    client("cloudformation").create_stack(
        StackName=STACK.name,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": "EndpointName", "ParameterValue": "churn"}],
    )
    create_endpoint("churn", AsyncInferenceConfig=ASYNC)
    return world


def create_endpoint(name: str, **config: Any) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/endpoint",
        PrimaryContainer={"Image": "1.dkr.ecr.us-east-1.amazonaws.com/it:1"},
    )
    variant = {
        "VariantName": "main",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], **config
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def pipeline(here: Path, invoke: str) -> Path:
    path = here / "_pipeline.yaml"
    path.write_text(f"invoke: {{{invoke}}}\n")
    return path


def printed(result: Result) -> list[str]:
    """Lines without the spaces that fill up a table."""
    return [line.rstrip() for line in result.stdout.splitlines()]


def test_an_endpoint_that_is_wired_to_the_stack_suits(deployed: World) -> None:
    result = deployed.penstock("connect", "churn")

    assert (result.exit_code, result.stderr) == (0, "it suits\n")
    lines = printed(result)
    assert {line.split()[0] for line in lines} == {"fine"}
    assert lines[0] == "fine  churn is in service"
    assert "fine  asynchronous endpoint, mode: async" in lines
    assert "fine  its execution role may read requests, write answers and notify" in lines


def test_what_has_to_be_changed_stands_below_what_is_wrong(deployed: World, tmp_path: Path) -> None:
    create_endpoint("plain")
    file = pipeline(tmp_path, "mode: async, endpoint: plain")

    result = deployed.penstock("connect", "plain", "--pipeline", file)

    assert (result.exit_code, result.stderr) == (1, "2 to change\n")
    assert printed(result) == [
        "fine     plain is in service",
        "problem  the stack may not call it, only churn",
        "         -> deploy the stack with an EndpointNamePattern that matches it",
        "problem  it has no AsyncInferenceConfig",
        "         -> set `invoke.mode: realtime`, or give its configuration one",
    ]


def test_a_role_that_may_not_notify_is_told(deployed: World) -> None:
    deployed.clients["iam"] = FakeIam(denied=("sns:Publish",))

    result = deployed.penstock("connect", "churn")

    assert (result.exit_code, result.stderr) == (1, "2 to change\n")
    for topic in TOPICS.values():
        assert f"its role may not sns:Publish {topic}" in result.stdout


def test_json_has_each_finding_with_its_remedy(deployed: World, tmp_path: Path) -> None:
    file = pipeline(tmp_path, "mode: realtime, endpoint: churn")

    result = deployed.penstock("connect", "churn", "--pipeline", file, "--json")

    document = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert (document["endpoint"], document["status"]) == ("churn", "InService")
    assert document["suits"] is False
    assert [each for each in document["findings"] if each["level"] == "problem"] == [
        {
            "level": "problem",
            "what": "it is asynchronous",
            "remedy": "set `invoke.mode: async`",
        }
    ]


def test_an_endpoint_that_there_is_not_is_a_problem(deployed: World) -> None:
    result = deployed.penstock("connect", "nobody")

    assert result.exit_code == 1
    assert "problem  there is no endpoint nobody in us-east-1" in result.stdout
    assert "-> check the name and --region" in result.stdout


@pytest.mark.parametrize("name", ["a b", "it's", '"', "x, mode: transform", "\x1b[2J"])
def test_a_name_that_no_endpoint_can_have_is_refused_before_anything_is_asked(
    deployed: World, name: str
) -> None:
    result = deployed.penstock("connect", name)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "letters, digits and hyphens" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("invoke", "says"),
    [
        ("endpoint: fraud", "is for endpoint fraud, not churn"),
        ("mode: transform, model: m, instance_type: ml.m5.large", "is for Batch Transform"),
    ],
)
def test_a_pipeline_of_something_else_is_wrong_usage(
    deployed: World, tmp_path: Path, invoke: str, says: str
) -> None:
    result = deployed.penstock("connect", "churn", "--pipeline", pipeline(tmp_path, invoke))

    assert result.exit_code == 2
    assert says in result.stderr


def test_a_narrow_window_folds_what_is_to_be_copied_and_cuts_nothing_off() -> None:
    path = "s3://penstock-workbucket-0123456789/async/failure"
    printed = io.StringIO()
    window = Console(file=printed, force_terminal=True, width=40, color_system=None)

    window.print(finding_table([Finding("problem", "it", f"set S3FailurePath to {path}")]))

    assert path in "".join(printed.getvalue().split())
