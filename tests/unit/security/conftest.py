from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.moto_stack import MotoStack

# The command line is met as its own tests meet it.
from tests.unit.cli.conftest import world

__all__ = ["stack", "world"]


@pytest.fixture
def stack() -> Iterator[MotoStack]:
    with mock_aws():
        yield MotoStack.deployed()
