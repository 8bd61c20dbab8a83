"""The comparison of what is granted with what was used finds what it should."""

import json
from pathlib import Path
from typing import Any

import pytest

from docs.generate_template_docs import permissions
from tests.template.grants import (
    REASONS,
    Deployed,
    Grant,
    Use,
    deployed,
    fits,
    read_uses,
    unexplained,
)
from tests.template.model import Template

FUNCTION, ROLE = "InvokeModelFunction", "stack-InvokeModelRole-1"
READ = Deployed(Grant(FUNCTION, "s3:GetObject", "InputBucket/*"), ROLE, "arn:aws:s3:::input/*")
READING = Use(ROLE, "s3:GetObject", "arn:aws:s3:::input/in/file.csv")
SEND = Deployed(Grant(FUNCTION, "sqs:SendMessage", "InvokeQueue"), ROLE, "arn:aws:sqs:::invoke")


def test_what_was_used_is_not_reported():
    assert unexplained([READ], [READING]) == []


@pytest.mark.parametrize(
    "use",
    [
        Use("stack-SplitInputRole-1", READING.action, READING.arn),
        Use(ROLE, "s3:PutObject", READING.arn),
        Use(ROLE, READING.action, "arn:aws:s3:::output/in/file.csv"),
    ],
    ids=["another role", "another action", "another resource"],
)
def test_what_only_others_used_is_reported(use):
    assert unexplained([READ, SEND], [use]) == [READ.grant, SEND.grant]


def test_what_has_a_reason_is_not_reported():
    grant = Grant(FUNCTION, "logs:PutLogEvents", "InvokeModelLogGroup")

    assert unexplained([Deployed(grant, ROLE, "arn:aws:logs:::group")], []) == []


def test_a_batch_of_messages_uses_the_permission_for_one(tmp_path: Path):
    record = tmp_path / "permissions.jsonl"
    use = {"role": ROLE, "action": "sqs:SendMessageBatch", "resource": SEND.arns}
    record.write_text(json.dumps(use) + "\n")

    assert unexplained([SEND], read_uses(record)) == []


def test_each_action_on_each_resource_is_a_grant_of_its_own():
    policy = policy_of(["s3:GetObject", "s3:PutObject"], [{"Fn::Sub": "${InputBucket.Arn}/*"}, "*"])
    resolved = policy_of(["s3:GetObject", "s3:PutObject"], ["arn:aws:s3:::input/*", "*"])

    found = {
        (each.grant.action, each.grant.resource, each.arns)
        for each in deployed(FUNCTION, ROLE, policy, resolved)
    }

    assert found == {
        (action, resource, arns)
        for action in ("s3:GetObject", "s3:PutObject")
        for resource, arns in (("InputBucket/*", "arn:aws:s3:::input/*"), ("*", "*"))
    }


def policy_of(actions: list[str], resources: list[Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"PolicyDocument": {"Statement": [statement]}}


def test_reasons_are_about_permissions_that_the_template_has(template: Template):
    grants = {
        Grant(function, action, resource)
        for function, resources in permissions(template.document).items()
        for resource, actions in resources.items()
        for action in actions
    }

    idle = [reason for reason in REASONS if not any(fits(reason, grant) for grant in grants)]
    assert idle == []
