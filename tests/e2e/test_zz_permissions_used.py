"""Least privilege, seen from the other side: whatever a function may do, it has done.

The last file of the suite, so that all others have been run; `tests/template/test_permissions.py`
says what they may do, `tests/template/grants.py` what these tests can't tell.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from examples.local_endpoint import client
from penstock_local.layout import PROJECT_ROOT, Layout
from tests.e2e.conftest import STATE, is_whole_suite
from tests.e2e.harness import Stack
from tests.template.grants import Deployed, Use, deployed, read_uses, unexplained
from tests.template.model import Template, target


@pytest.fixture
def uses(request: pytest.FixtureRequest) -> set[Use]:
    if not is_whole_suite(request.session) or request.session.testsfailed:
        pytest.skip("says something only after all end-to-end tests, and if none has failed")
    return read_uses(Layout(PROJECT_ROOT, STATE / ".penstock").permissions)


def test_every_permission_has_been_used(stack: Stack, uses: set[Use]) -> None:
    unused = unexplained(deployed_grants(stack), uses)

    assert unused == [], "take them out of the template, or test what they are for"


def deployed_grants(stack: Stack) -> Iterator[Deployed]:
    template = Template.load()
    with closing(client(stack.document, "iam")) as iam:
        for function, properties in template.functions.items():
            logical = target(properties["Role"])
            role = stack.physical_name(logical)
            for policy in template.properties(logical)["Policies"]:
                found = iam.get_role_policy(RoleName=role, PolicyName=policy["PolicyName"])
                yield from deployed(function, role, policy, found)
