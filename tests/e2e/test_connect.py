"""`penstock connect` on endpoints that are there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from examples.inference_types import EXAMPLES
from examples.local_endpoint import Endpoint, client, create_endpoint, delete_endpoint
from tests.e2e.conftest import IMAGES
from tests.e2e.harness import Stack
from tests.e2e.test_command_line import penstock
from tests.e2e.test_operators import operator
from tests.template.endpoint_templates import EndpointTemplate

ROLE = "arn:aws:iam::000000000000:role/endpoint"
NO_ROLE = f"permissions of {ROLE}: there is no such role"
MAY = "its execution role may read requests, write answers and notify"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@contextmanager
def execution_role(stack: Stack, *left_out: str) -> Iterator[None]:
    """The role of the asynchronous template, as CloudFormation would make it for this stack."""
    template = EndpointTemplate.load("asynchronous")
    parameters = template.given(
        WorkBucketName=stack.document["work_bucket"],
        InferenceSuccessTopicArn=stack.document["inference_success_topic_arn"],
        InferenceErrorTopicArn=stack.document["inference_error_topic_arn"],
        ImageRepositoryArn="arn:aws:ecr:us-east-1:000000000000:repository/echo",
        ModelDataBucket="models",
        ModelDataKey="echo.tar.gz",
    )
    of_aws = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "0" * 12}
    (role,) = template.of_type("AWS::IAM::Role").values()
    found = template.resolved(role, parameters | of_aws)
    (policy,) = found["Policies"]
    kept = [each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] not in left_out]
    policy["PolicyDocument"]["Statement"] = kept
    with created(client(stack.document, "iam"), found, policy):
        yield


@contextmanager
def created(iam: Any, role: dict[str, Any], policy: dict[str, Any]) -> Iterator[None]:
    trust = json.dumps(role["AssumeRolePolicyDocument"])
    iam.create_role(RoleName="endpoint", AssumeRolePolicyDocument=trust)
    named = {"RoleName": "endpoint", "PolicyName": policy["PolicyName"]}
    iam.put_role_policy(**named, PolicyDocument=json.dumps(policy["PolicyDocument"]))
    try:
        yield
    finally:
        iam.delete_role_policy(**named)
        iam.delete_role(RoleName="endpoint")


@pytest.fixture
def plain(stack: Stack) -> Iterator[str]:
    """An endpoint without an AsyncInferenceConfig."""
    name = "connect-plain"
    create_endpoint(stack.document, Endpoint(name, IMAGES / "echo" / "image", asynchronous=False))
    yield name
    delete_endpoint(stack.document, name)


def levels(stdout: str) -> dict[str, str]:
    return {each["what"]: each["level"] for each in json.loads(stdout)["findings"]}


def test_an_endpoint_that_is_wired_to_the_stack_suits(echo: Stack) -> None:
    done = penstock("connect", "echo", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["suits"]
    found = levels(done.stdout)
    assert found["SuccessTopic is the stack's"] == "fine"
    assert found["asynchronous endpoint, mode: async"] == "fine"
    assert found[NO_ROLE] == "unchecked"


def test_the_role_of_the_template_may_all_that_it_has_to(echo: Stack) -> None:
    with execution_role(echo):
        done = penstock("connect", "echo", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert levels(done.stdout)[MAY] == "fine"


def test_a_role_that_may_not_write_answers_is_told(echo: Stack) -> None:
    with execution_role(echo, "WriteAnswers"):
        done = penstock("connect", "echo")

    work = f"arn:aws:s3:::{echo.document['work_bucket']}/async"
    assert done.returncode == 1
    assert f"its role may not s3:PutObject {work}/output/x" in done.stdout
    assert f"its role may not s3:PutObject {work}/failure/x" in done.stdout
    assert "2 to change" in done.stderr


def test_what_an_operator_may_not_ask_is_named(echo: Stack, tmp_path: Path) -> None:
    with execution_role(echo), operator(echo, tmp_path, {}) as limited:
        done = limited("connect", "echo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"permissions of {ROLE}: iam:SimulatePrincipalPolicy denied" in done.stdout


def test_a_real_time_endpoint_doesnt_suit_an_asynchronous_pipeline(
    plain: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "p.yaml", f"invoke: {{mode: async, endpoint: {plain}}}\n")

    done = penstock("connect", plain, "--pipeline", path)

    assert done.returncode == 1
    assert "it has no AsyncInferenceConfig" in done.stdout
    assert "-> set `invoke.mode: realtime`, or give its configuration one" in done.stdout
    assert done.stderr == "1 to change\n"


def test_an_asynchronous_endpoint_doesnt_suit_a_pipeline_in_real_time(
    echo: Stack, tmp_path: Path
) -> None:
    path = written(tmp_path / "p.yaml", "invoke: {mode: realtime, endpoint: echo}\n")

    done = penstock("connect", "echo", "--pipeline", path)

    assert done.returncode == 1
    assert "it is asynchronous" in done.stdout
    assert "-> set `invoke.mode: async`" in done.stdout
    assert done.stderr == "1 to change\n"


def test_a_pipeline_of_another_endpoint_is_wrong_usage(echo: Stack, tmp_path: Path) -> None:
    path = written(tmp_path / "_pipeline.yaml", EXAMPLES["realtime"].pipeline)

    done = penstock("connect", "echo", "--pipeline", path)

    assert done.returncode == 2
    assert "is for endpoint types-realtime, not echo" in done.stderr


def test_an_endpoint_that_there_is_not_is_told(echo: Stack) -> None:
    done = penstock("connect", "nobody")

    assert done.returncode == 1
    assert "there is no endpoint nobody" in done.stdout
