"""What the functions may do, held against what they did while a stack was recorded.

`penstock_local.emulator.RecordedPermissions` writes the record. A permission that no end-to-end
test uses is one that nobody would miss, or belongs to a path that nobody has tried. Those that are
neither have their reasons here.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from docs.generate_template_docs import Json, as_list, resource_name
from penstock_local.emulator import ACTION_OF_BATCH


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action on one resource. Names are the template's: `JobTable`, `InputBucket/*`."""

    function: str
    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """A grant as a stack has it; `arns` is a pattern."""

    grant: Grant
    role: str
    arns: str


@dataclass(frozen=True, slots=True)
class Use:
    """What a role was allowed to do, with which resource."""

    role: str
    action: str
    arn: str


def deployed(function: str, role: str, policy: Json, resolved: Json) -> Iterator[Deployed]:
    """The grants of a function's role.

    Args:
        policy: as the template has it.
        resolved: the same in the stack, with ARNs in the place of names.
    """
    pairs = zip(_statements(policy), _statements(resolved), strict=True)
    for statement, same in pairs:
        resources = zip(as_list(statement["Resource"]), as_list(same["Resource"]), strict=True)
        for resource, arns in resources:
            for action in as_list(statement["Action"]):
                yield Deployed(Grant(function, action, resource_name(resource)), role, arns)


def _statements(policy: Json) -> list[Json]:
    found: list[Json] = policy["PolicyDocument"]["Statement"]
    return found


def read_uses(record: Path) -> set[Use]:
    """A batch of messages needs what one message needs."""
    found = [json.loads(line) for line in record.read_text().splitlines()]
    return {
        Use(each["role"], ACTION_OF_BATCH.get(each["action"], each["action"]), each["resource"])
        for each in found
    }


def unexplained(grants: Iterable[Deployed], uses: Iterable[Use]) -> list[Grant]:
    """Those that were not used and have no reason for it."""
    used: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for use in uses:
        used[use.role, use.action].append(use.arn)
    return sorted(
        each.grant
        for each in grants
        if not any(fnmatchcase(arn, each.arns) for arn in used[each.role, each.grant.action])
        and not has_reason(each.grant)
    )


def has_reason(grant: Grant) -> bool:
    return any(fits(reason, grant) for reason in REASONS)


def fits(reason: Grant, grant: Grant) -> bool:
    """Whether the reason, of which each part may have a shell's wildcards, is about the grant."""
    return all(map(fnmatchcase, astuple(grant), astuple(reason)))


_POLLS = "the emulator's event source mappings take messages without a call"
_KEEPS_LOGS = "the emulator keeps the logs itself"
_NO_XRAY = "the emulator has no X-Ray"

REASONS: Mapping[Grant, str] = {
    # What the emulator doesn't evaluate.
    Grant("*", "sqs:ReceiveMessage", "*"): _POLLS,
    Grant("*", "sqs:DeleteMessage", "*"): _POLLS,
    Grant("*", "sqs:GetQueueAttributes", "*"): _POLLS,
    Grant("*", "s3:ListBucket", "*"): "the emulator answers 404 without it, AWS 403",
    Grant("*", "sagemaker:*", "*"): "the local SageMaker knows no policies",
    Grant("*", "logs:CreateLogStream", "*"): _KEEPS_LOGS,
    Grant("*", "logs:PutLogEvents", "*"): _KEEPS_LOGS,
    Grant("*", "xray:PutTraceSegments", "[*]"): _NO_XRAY,
    Grant("*", "xray:PutTelemetryRecords", "[*]"): _NO_XRAY,
    # What other tests try.
    Grant("*", "s3:AbortMultipartUpload", "*"): (
        "for uploads that a function left open when it died: nobody touches them for 15 minutes"
    ),
    Grant("StartTransformFunction", "sqs:SendMessage", "InvokeQueue"): (
        "for a job that is stopped while its chunks wait for a transform job: seconds here"
    ),
    Grant("SweepJobsFunction", "sqs:SendMessage", "TransformQueue"): (
        "for a transform job that nobody has asked for, as the function died that should have"
    ),
    Grant("HandleDeadLetterFunction", "sqs:SendMessage", "InvokeQueue"): (
        "for a chunk whose halves were lost and that was sent once more, ten times in vain"
    ),
}
"""Why they are not used here."""
