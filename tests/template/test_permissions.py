"""Each function may do what it does, and nothing else."""

from typing import Any

import pytest

from docs.generate_template_docs import as_list, permissions
from tests.template.model import Template, target, walk

CONSUME = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes sqs:ChangeMessageVisibility"
TAKE = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"
READ_VERSION = "s3:GetObject s3:GetObjectVersion"
INVOKE = "sagemaker:InvokeEndpointAsync sagemaker:InvokeEndpoint"
LOG = "logs:CreateLogStream logs:PutLogEvents"
TRACE = "xray:PutTraceSegments xray:PutTelemetryRecords"

# Function -> resource -> actions. Whoever widens the template has to say so here.
EXPECTED = {
    "AcceptUploadFunction": {
        "UploadQueue": CONSUME,
        "InputBucket/*_pipeline.yaml": "s3:GetObject",
        "InputBucket": "s3:ListBucket",
        "OutputBucket/*.manifest.json": "s3:GetObject",
        "OutputBucket": "s3:ListBucket",
        "JobTable": "dynamodb:PutItem dynamodb:GetItem",
        "SplitQueue": "sqs:SendMessage",
        "AssembleQueue": "sqs:SendMessage",
        "FailureTopic": "sns:Publish",
        "event-bus/default": "events:PutEvents",
        "endpoint/${EndpointName}": "sagemaker:DescribeEndpoint",
        "endpoint/${EndpointNamePattern}, if given": "sagemaker:DescribeEndpoint",
        "endpoint-config/*": "sagemaker:DescribeEndpointConfig",
        "AcceptUploadLogGroup": LOG,
        "*": TRACE,
    },
    "SplitInputFunction": {
        "SplitQueue": f"{CONSUME} sqs:SendMessage",
        "InputBucket/*": READ_VERSION,
        "InputBucket": "s3:ListBucket",
        "OutputBucket/*.errors.jsonl": READ_VERSION,
        "OutputBucket": "s3:ListBucket",
        "WorkBucket/plans/*": "s3:PutObject s3:GetObject",
        "JobTable": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query",
        "InvokeQueue": "sqs:SendMessage",
        "AssembleQueue": "sqs:SendMessage",
        "SplitInputLogGroup": LOG,
        "*": TRACE,
    },
    "InvokeModelFunction": {
        "InvokeQueue": f"{CONSUME} sqs:SendMessage",
        "InputBucket/*": READ_VERSION,
        "InputBucket": "s3:ListBucket",
        "WorkBucket": "s3:ListBucket",
        "WorkBucket/async/input/*": "s3:PutObject",
        "WorkBucket/transform/*/in/*": "s3:PutObject",
        "WorkBucket/realtime/*": "s3:PutObject",
        "WorkBucket/realtime/*/answered.json": "s3:GetObject",
        "JobTable": "dynamodb:GetItem dynamodb:UpdateItem",
        "TransformQueue": "sqs:SendMessage",
        "AssembleQueue": "sqs:SendMessage",
        "endpoint/${EndpointName}": INVOKE,
        "endpoint/${EndpointNamePattern}, if given": INVOKE,
        "InvokeModelLogGroup": LOG,
        "*": TRACE,
    },
    "StartTransformFunction": {
        "TransformQueue": f"{CONSUME} sqs:SendMessage",
        "WorkBucket/transform/*/jobs/*": "s3:PutObject s3:GetObject",
        "WorkBucket/transform/*/in/*": "s3:GetObject",
        "WorkBucket": "s3:ListBucket",
        "JobTable": "dynamodb:GetItem dynamodb:PutItem dynamodb:Query",
        "ResultQueue": "sqs:SendMessage",
        "InvokeQueue": "sqs:SendMessage",
        "transform-job/penstock-*": "sagemaker:CreateTransformJob sagemaker:AddTags "
        "sagemaker:StopTransformJob",
        "StartTransformLogGroup": LOG,
        "*": TRACE,
    },
    "CollectResultFunction": {
        "ResultQueue": f"{CONSUME} sqs:SendMessage",
        "InputBucket/*": READ_VERSION,
        "InputBucket": "s3:ListBucket",
        "WorkBucket/async/*": "s3:GetObject",
        "WorkBucket/transform/*": "s3:GetObject",
        "WorkBucket": "s3:ListBucket",
        "JobTable": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query",
        "InvokeQueue": "sqs:SendMessage",
        "AssembleQueue": "sqs:SendMessage",
        "CollectResultLogGroup": LOG,
        "*": TRACE,
    },
    "AssembleOutputFunction": {
        "AssembleQueue": CONSUME,
        "InputBucket/*": READ_VERSION,
        "InputBucket": "s3:ListBucket",
        "WorkBucket": "s3:ListBucket s3:ListBucketMultipartUploads",
        "WorkBucket/async/*": "s3:GetObject",
        "WorkBucket/transform/*": "s3:GetObject",
        "WorkBucket/realtime/*": "s3:GetObject",
        "WorkBucket/pieces/*": "s3:GetObject s3:PutObject s3:AbortMultipartUpload",
        "OutputBucket/*.out": READ_VERSION,
        "OutputBucket/*.errors.jsonl": READ_VERSION,
        "OutputBucket/*.manifest.json": "s3:GetObject",
        "OutputBucket": "s3:ListBucket s3:ListBucketMultipartUploads",
        "OutputBucket/*": "s3:PutObject s3:AbortMultipartUpload",
        "JobTable": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query",
        "SuccessTopic": "sns:Publish",
        "FailureTopic": "sns:Publish",
        "event-bus/default": "events:PutEvents",
        "AssembleOutputLogGroup": LOG,
        "*": TRACE,
    },
    "SweepJobsFunction": {
        "JobTable/index/sweep": "dynamodb:Query",
        "JobTable": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query",
        "InputBucket/*": READ_VERSION,
        "InputBucket": "s3:ListBucket",
        "WorkBucket/async/*": "s3:GetObject",
        "WorkBucket/transform/*": "s3:GetObject",
        "WorkBucket": "s3:ListBucket s3:ListBucketMultipartUploads",
        "WorkBucket/pieces/*": "s3:AbortMultipartUpload",
        "OutputBucket": "s3:ListBucketMultipartUploads",
        "OutputBucket/*": "s3:AbortMultipartUpload",
        "SplitQueue": "sqs:SendMessage",
        "InvokeQueue": "sqs:SendMessage sqs:GetQueueAttributes",
        "TransformQueue": "sqs:SendMessage",
        "ResultQueue": "sqs:SendMessage",
        "transform-job/penstock-*": "sagemaker:DescribeTransformJob sagemaker:StopTransformJob",
        "AssembleQueue": "sqs:SendMessage",
        "SweepJobsLogGroup": LOG,
        "*": TRACE,
    },
    "HandleDeadLetterFunction": {
        **dict.fromkeys(
            [
                f"{name}DeadLetterQueue"
                for name in ("Upload", "Split", "Invoke", "Transform", "Result")
            ],
            TAKE,
        ),
        "AssembleDeadLetterQueue": TAKE,
        "JobTable": "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query",
        "InvokeQueue": "sqs:SendMessage",
        "AssembleQueue": "sqs:SendMessage",
        "HandleDeadLetterLogGroup": LOG,
        "*": TRACE,
    },
}

# Allowed actions on Resource "*", with the reason.
EVERY_RESOURCE = {
    "xray:PutTraceSegments": "X-Ray has no resources to name",
    "xray:PutTelemetryRecords": "X-Ray has no resources to name",
    "sqs:SendMessage": "in a queue's own policy: the queue that it is attached to",
}


@pytest.mark.parametrize("function", EXPECTED)
def test_a_function_may_do_exactly_what_is_listed(template: Template, function: str):
    listed = {resource: set(actions.split()) for resource, actions in EXPECTED[function].items()}

    assert permissions(template.document)[function] == listed


def test_no_function_is_missing_from_the_list(template: Template):
    assert set(permissions(template.document)) == set(EXPECTED)


def test_every_function_has_a_role_of_its_own(template: Template):
    roles = {name: target(function["Role"]) for name, function in template.functions.items()}

    assert roles == {name: name.replace("Function", "Role") for name in template.functions}
    assert set(roles.values()) == set(template.of_type("AWS::IAM::Role"))


def test_only_lambda_may_assume_a_role(template: Template):
    for name, role in template.of_type("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}, name


def test_there_are_no_managed_policies_and_none_that_sam_would_make(template: Template):
    # SAM attaches AWS's managed policies to the roles that it makes itself: for a function without
    # Role, or with Policies or connectors.
    for part in walk(template.document):
        assert "ManagedPolicyArns" not in part
    for function in template.functions.values():
        assert "Policies" not in function
    kinds = {resource["Type"] for resource in template.resources.values()}
    assert not kinds & {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::Serverless::Connector"}


def test_what_is_allowed_on_every_resource_has_a_reason(template: Template):
    wide = {
        action
        for statement in allowing(template)
        if "*" in as_list(statement.get("Resource", []))
        for action in as_list(statement["Action"])
    }

    assert wide == set(EVERY_RESOURCE)


def test_no_action_is_allowed_by_wildcard(template: Template):
    for statement in allowing(template):
        assert not [action for action in as_list(statement["Action"]) if "*" in action]


def test_nothing_is_allowed_to_everybody(template: Template):
    for statement in allowing(template):
        assert statement.get("Principal") not in ("*", {"AWS": "*"})


def test_functions_put_events_under_our_own_name_only(template: Template):
    statements = [
        statement
        for function in template.functions
        for statement in template.statements(function)
        if "events:PutEvents" in as_list(statement["Action"])
    ]

    assert len(statements) == 2
    for statement in statements:
        assert statement["Condition"] == {
            "ForAllValues:StringEquals": {"events:source": "penstock"}
        }


@pytest.mark.parametrize("function", EXPECTED)
def test_a_function_may_fill_the_queues_that_it_is_told_of(template: Template, function: str):
    told = {
        target(value)
        for name, value in template.environment(function).items()
        if name.endswith("_QUEUE_URL")
    }

    assert fillable(template, function) == told


def fillable(template: Template, function: str) -> set[str]:
    return {
        target(resource)
        for statement in template.statements(function)
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def allowing(template: Template) -> list[dict[str, Any]]:
    return [part for part in walk(template.resources) if part.get("Effect") == "Allow"]
