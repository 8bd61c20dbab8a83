"""One stack for all end-to-end tests, beside one that may be up. Its build is kept.

Two runs at a time need two names: PENSTOCK_E2E=other pytest tests/e2e
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import enable_socket

from examples.digits.train import train
from examples.local_endpoint import Endpoint, create_endpoint
from penstock_local import stack as local_stack
from penstock_local.layout import PROJECT_ROOT, Layout
from tests.e2e.harness import Stack

HERE = Path(__file__).parent
STATE = PROJECT_ROOT / ".penstock" / os.environ.get("PENSTOCK_E2E", "e2e")
IMAGES = PROJECT_ROOT / "examples"
_LEFT_OUT = pytest.StashKey[bool]()
PARAMETERS = (
    ("RegionBytes", str(4 * 1024**2)),  # so that files of a few megabytes have several regions
    ("EndpointNamePattern", "*"),
    ("SweepGraceSeconds", "5"),  # what is lost is found within a minute or two
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].session.stash[_LEFT_OUT] = True


def is_whole_suite(session: pytest.Session) -> bool:
    """Whether all end-to-end tests are run, none left out by -k or the like."""
    files = {item.path for item in session.items}
    return files >= set(HERE.glob("test_*.py")) and _LEFT_OUT not in session.stash


@pytest.fixture(autouse=True)
def _sockets() -> None:
    enable_socket()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    enable_socket()
    layout = Layout(PROJECT_ROOT, STATE / ".penstock")
    local_stack.down(layout, _silent)  # one that a killed run left behind
    wanted = local_stack.Wanted(
        layout, endpoint_name="echo", parameters=PARAMETERS, records_permissions=True
    )
    try:
        yield Stack(local_stack.up(wanted, print))
    finally:
        local_stack.down(layout, _silent)


@pytest.fixture(scope="session")
def echo(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack with its default endpoint: it answers each record with a digest of its bytes."""
    state = tmp_path_factory.mktemp("echo")
    image = IMAGES / "echo" / "image"
    create_endpoint(stack.document, Endpoint("echo", image, {"ECHO_STATE_DIR": str(state)}))
    return stack


@pytest.fixture(scope="session")
def digits_model(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained model that endpoint `digits` serves."""
    model = tmp_path_factory.mktemp("digits")
    train(model)
    image = IMAGES / "digits" / "image"
    create_endpoint(stack.document, Endpoint("digits", image, {"SM_MODEL_DIR": str(model)}))
    return model


def _silent(_: str) -> None:
    pass
