"""What the functions' roles allow, asked as IAM is asked: an action on a resource.

`tests/template/test_permissions.py` lists what they are given; here stands what must not follow.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from docs.generate_template_docs import as_list
from penstock.domain.endpoint_names import EndpointNames
from tests.template.model import Template

ENDPOINTS = {"EndpointName": "churn", "EndpointNamePattern": "prod-*"}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333"}
ENDPOINT = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/"
TEMPLATE = Template.load()
FUNCTIONS = sorted(TEMPLATE.functions)


def arns(resource: Any) -> list[str]:
    """Of a policy's resource, in a stack whose resources are called by their logical ids."""
    match resource:
        case str(text):
            return [text]
        case {"Ref": "AWS::NoValue"}:
            return []
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
            return [f"arn:{name}"]
        case {"Fn::Sub": str(text)}:
            known = {**PSEUDO, **ENDPOINTS}
            return [re.sub(r"\$\{([\w:.]+)\}", lambda found: _named(found[1], known), text)]
        case {"Fn::If": [str(), chosen, other]}:
            return arns(chosen) + arns(other)
    raise AssertionError(resource)


def _named(name: str, known: dict[str, str]) -> str:
    return known.get(name) or f"arn:{name.removesuffix('.Arn')}"


def granted(function: str) -> Iterator[tuple[str, str]]:
    """Patterns of an action and of a resource."""
    for statement in TEMPLATE.statements(function):
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                yield from ((action, arn) for arn in arns(resource))


def may(function: str, action: str, resource: str) -> bool:
    return any(
        _matches(allowed, action) and _matches(pattern, resource)
        for allowed, pattern in granted(function)
    )


def _matches(pattern: str, text: str) -> bool:
    return (
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_no_function_may_touch_a_bucket_that_is_not_the_stacks(function: str, action: str) -> None:
    for name in ("other", "InputBucket-of-others", "InputBucket2", ""):
        for resource in (f"arn:{name}", f"arn:{name}/async/output/x", f"arn:{name}/_pipeline.yaml"):
            assert not may(function, action, resource)


WRITES = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_change_an_input_or_delete_anything(function: str) -> None:
    for action in WRITES:
        assert not may(function, action, "arn:InputBucket/in/rows.csv")
    for bucket in ("OutputBucket", "WorkBucket"):
        for action in WRITES[1:]:
            assert not may(function, action, f"arn:{bucket}/in/rows.csv")


def test_only_the_assembly_may_write_outputs() -> None:
    writers = [each for each in FUNCTIONS if may(each, "s3:PutObject", "arn:OutputBucket/in/x.out")]

    assert writers == ["AssembleOutputFunction"]


@pytest.mark.parametrize("function", ["CollectResultFunction", "SweepJobsFunction"])
def test_who_hears_of_answers_may_read_answers_and_no_plans_or_pieces(function: str) -> None:
    assert may(function, "s3:GetObject", "arn:WorkBucket/async/output/x.out")
    assert not may(function, "s3:GetObject", "arn:WorkBucket/plans/x.json")
    assert not may(function, "s3:GetObject", "arn:WorkBucket/pieces/x/00000.out")


CALLABLE = {
    "churn": True,
    "prod-": True,
    "prod-1": True,
    "prod": False,
    "churn-2": False,
    "my-churn": False,
    "my-prod-1": False,
    "*": False,
    "prod-1/invocations": True,  # of the pattern, but no name of an endpoint
}


@pytest.mark.parametrize(("endpoint", "allowed"), CALLABLE.items())
def test_only_the_endpoints_that_the_parameters_name_may_be_called(
    endpoint: str, allowed: bool
) -> None:
    callers = [
        each
        for each in FUNCTIONS
        if may(each, "sagemaker:InvokeEndpointAsync", ENDPOINT + endpoint)
    ]

    assert callers == (["InvokeModelFunction"] if allowed else [])
    assert EndpointNames.parse(" ".join(ENDPOINTS.values())).allow(endpoint) is allowed


def test_no_function_may_call_an_endpoint_of_another_account_or_region() -> None:
    for place in ("us-east-1:111122223333", "eu-west-1:444455556666"):
        resource = f"arn:aws:sagemaker:{place}:endpoint/churn"
        assert not any(may(each, "sagemaker:InvokeEndpointAsync", resource) for each in FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_do_everything_of_a_kind_or_pass_on_its_rights(function: str) -> None:
    for action, resource in granted(function):
        assert "*" not in action
        assert not action.startswith(("iam:", "sts:", "lambda:", "kms:"))
        assert resource != "*" or action.startswith("xray:")


@pytest.mark.parametrize(
    ("patterns", "name", "allowed"),
    [
        ("", "anything", True),
        ("churn", "Churn", True),
        ("churn", "churns", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("*", "anything", True),
        ("a***c", "abbbc", True),
        ("prod-* test-*", "test-1", True),
        ("prod-*", "prod-1\nx", True),
    ],
)
def test_names_are_matched_as_iam_matches_them(patterns: str, name: str, allowed: bool) -> None:
    assert EndpointNames.parse(patterns).allow(name) is allowed
