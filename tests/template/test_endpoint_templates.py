"""Rules about examples/endpoints: what an endpoint needs to work with a stack, and no more."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock_cli.endpoint_facts import StackFacts
from tests.template.endpoint_templates import (
    DIRECTORY,
    EndpointTemplate,
    commands_of_readme,
    kinds,
    rows_of_readme,
)

MODEL = "arn:${AWS::Partition}:s3:::${ModelDataBucket}/${ModelDataKey}"
STACK_NEEDS = StackFacts("work", "arn:aws:sns:::success", "arn:aws:sns:::error", "").needs
MAIN = {"endpoint/${EndpointName}/variant/main"}
SCALED = {
    "realtime": MAIN,
    "multi-model": MAIN,
    "multi-container": MAIN,
    "inference-pipeline": MAIN,
    "variants": {
        "endpoint/${EndpointName}/variant/champion",
        "endpoint/${EndpointName}/variant/challenger",
    },
    "inference-component": {"inference-component/${ComponentName}"},
}
METRICS = {"inference-component": "SageMakerInferenceComponentInvocationsPerCopy"}
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


@pytest.mark.parametrize("kind", sorted(set(kinds()) - {"batch-transform"}))
def test_a_role_writes_the_logs_of_what_the_template_makes_only(kind: str) -> None:
    for group in grants_of(kind)["logs:PutLogEvents"]:
        assert re.search(r"/aws/sagemaker/\w+/\$\{(Endpoint|Component)Name\}\*$", group)


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


def test_the_role_of_an_asynchronous_endpoint_may_what_connect_asks_for_and_reads_no_answers() -> (
    None
):
    granted = grants_of("asynchronous")
    work = "arn:${AWS::Partition}:s3:::${WorkBucketName}"

    assert granted["s3:GetObject"] == {f"{work}/async/input/*", MODEL}
    assert granted["s3:PutObject"] == {f"{work}/async/output/*", f"{work}/async/failure/*"}
    assert granted["sns:Publish"] == {"InferenceSuccessTopicArn", "InferenceErrorTopicArn"}
    assert {action for action, _ in STACK_NEEDS} <= set(granted)


def test_the_role_of_a_transform_model_reads_inputs_and_writes_answers_only() -> None:
    granted = grants_of("batch-transform")
    bucket = "arn:${AWS::Partition}:s3:::"
    work = f"{bucket}${{WorkBucketName}}/transform"

    assert granted["s3:GetObject"] == {f"{work}/*", f"{bucket}${{InputBucketName}}/*", MODEL}
    assert granted["s3:PutObject"] == {f"{work}/*/out/*"}
    assert "sns:Publish" not in granted


@pytest.mark.parametrize("kind", sorted(set(kinds()) - {"asynchronous", "batch-transform"}))
def test_the_role_of_an_endpoint_in_real_time_writes_nothing_to_s3_and_tells_nobody(
    kind: str,
) -> None:
    assert {"s3:PutObject", "sns:Publish"}.isdisjoint(grants_of(kind))


def grants_of(kind: str) -> dict[str, set[str]]:
    """Action -> resources: ARNs with their placeholders, or names of parameters."""
    granted: dict[str, set[str]] = {}
    for statement in EndpointTemplate.load(kind).statements():
        for action in listed(statement["Action"]):
            resources = {named(each) for each in listed(statement["Resource"])}
            granted[action] = granted.get(action, set()) | resources
    return granted


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def named(resource: Any) -> str:
    return str(next(iter(resource.values()))) if isinstance(resource, dict) else str(resource)


@pytest.mark.parametrize(("kind", "targets"), SCALED.items())
def test_each_variant_on_instances_follows_its_own_traffic_and_none_sleeps(
    kind: str, targets: set[str]
) -> None:
    template = EndpointTemplate.load(kind)
    found = template.of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    policies = template.of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values()

    assert {each["ResourceId"]["Fn::Sub"] for each in found.values()} == targets
    assert {each["MinCapacity"] for each in found.values()} == {1}
    assert {each["ScalingTargetId"]["Ref"] for each in policies} == set(found)
    metrics = {
        each["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"][
            "PredefinedMetricType"
        ]
        for each in policies
    }
    assert metrics == {METRICS.get(kind, "SageMakerVariantInvocationsPerInstance")}


def test_what_is_not_scaled_has_no_instances_of_its_own() -> None:
    unscaled = set(kinds()) - set(SCALED) - {"asynchronous"}

    assert unscaled == {"serverless", "batch-transform"}


def test_a_change_of_the_weights_is_not_undone_by_what_an_update_retains() -> None:
    (endpoint,) = EndpointTemplate.load("variants").of_type("AWS::SageMaker::Endpoint").values()

    assert endpoint["RetainAllVariantProperties"] is True
    assert endpoint["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DesiredWeight"}
    ]


def test_the_readme_has_a_command_for_each_template_with_all_that_it_asks_for(
    template: EndpointTemplate,
) -> None:
    given = commands_of_readme()[template.kind]

    assert template.required() <= given <= set(template.document["Parameters"])


def test_no_template_asks_for_an_accelerator(template: EndpointTemplate) -> None:
    for config in template.of_type("AWS::SageMaker::EndpointConfig").values():
        assert not any("AcceleratorType" in each for each in config["ProductionVariants"])
