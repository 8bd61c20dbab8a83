"""Least privilege, seen from the other side: whatever a function may do, it has done.

The last file of the suite, so that all others have been run; `tests/template/test_permissions.py`
says what they may do, `tests/template/grants.py` what these tests can't tell.
"""

import pytest

from tests.e2e.conftest import LAYOUT, UNUSED, is_whole_suite
from tests.e2e.harness import Stack
from tests.e2e.permissions import unused_of
from tests.template.grants import Grant


@pytest.fixture
def unused_elsewhere(request: pytest.FixtureRequest) -> list[set[Grant]]:
    """By the processes that ran the tests which go side by side, unless this one did."""
    if is_whole_suite(request.session):
        return []
    elsewhere = UNUSED.taken()
    if elsewhere is None or request.session.testsfailed:
        pytest.skip("says something only after all end-to-end tests, and if none has failed")
    return elsewhere


@pytest.mark.alone
def test_every_permission_has_been_used(stack: Stack, unused_elsewhere: list[set[Grant]]) -> None:
    unused = unused_of(stack, LAYOUT).intersection(*unused_elsewhere)

    assert sorted(unused) == [], "take them out of the template, or test what they are for"
