"""Rules about examples/endpoints: what an endpoint needs to work with a stack, and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.endpoint_templates import DIRECTORY, EndpointTemplate, kinds, rows_of_readme

WITHOUT_RESOURCES = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}
"""Actions that take no resource (Service Authorization Reference)."""


@pytest.fixture(params=kinds())
def template(request: pytest.FixtureRequest) -> EndpointTemplate:
    return EndpointTemplate.load(request.param)


def test_cfn_lint_has_no_complaint() -> None:
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    files = [str(path) for path in sorted(DIRECTORY.glob("*.yaml"))]
    command = [str(cfn_lint), "--regions", "us-east-1", "--", *files]

    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert found.stdout + found.stderr == ""


def test_there_is_a_template_for_each_type_and_the_readme_has_them_all() -> None:
    assert len(kinds()) == 9
    assert rows_of_readme() == set(kinds())


def test_a_role_may_do_nothing_to_everything(template: EndpointTemplate) -> None:
    for statement in template.statements():
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        assert not any("*" in action for action in actions), statement
        if statement["Resource"] == "*":
            assert set(actions) <= WITHOUT_RESOURCES, statement


def test_a_role_is_for_sagemaker_in_this_account_only(template: EndpointTemplate) -> None:
    (role,) = template.of_type("AWS::IAM::Role").values()
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert "aws:SourceAccount" in statement["Condition"]["StringEquals"]


def test_an_asynchronous_endpoint_has_both_topics_and_both_paths() -> None:
    template = EndpointTemplate.load("asynchronous")
    (config,) = template.of_type("AWS::SageMaker::EndpointConfig").values()
    output = config["AsyncInferenceConfig"]["OutputConfig"]

    assert output["NotificationConfig"] == {
        "SuccessTopic": {"Ref": "InferenceSuccessTopicArn"},
        "ErrorTopic": {"Ref": "InferenceErrorTopicArn"},
    }
    assert output["S3OutputPath"] == {"Fn::Sub": "s3://${WorkBucketName}/async/output"}
    assert output["S3FailurePath"] == {"Fn::Sub": "s3://${WorkBucketName}/async/failure"}


def test_an_asynchronous_endpoint_scales_to_zero_and_wakes_up_for_a_single_request() -> None:
    template = EndpointTemplate.load("asynchronous")
    (target,) = template.of_type("AWS::ApplicationAutoScaling::ScalableTarget").values()
    policies = template.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
    (alarm,) = template.of_type("AWS::CloudWatch::Alarm").values()

    assert target["MinCapacity"] == 0
    kinds = {name: policy["PolicyType"] for name, policy in policies.items()}
    assert kinds == {"FollowBacklog": "TargetTrackingScaling", "WakeUp": "StepScaling"}
    assert alarm["MetricName"] == "HasBacklogWithoutCapacity"
    assert alarm["AlarmActions"] == [{"Ref": "WakeUp"}]
    step = policies["WakeUp"]["StepScalingPolicyConfiguration"]
    assert step["StepAdjustments"] == [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]


def test_no_template_asks_for_an_accelerator(template: EndpointTemplate) -> None:
    for config in template.of_type("AWS::SageMaker::EndpointConfig").values():
        assert not any("AcceleratorType" in each for each in config["ProductionVariants"])
