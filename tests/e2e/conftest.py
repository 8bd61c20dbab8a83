"""One stack for all end-to-end tests of a process, beside one that may be up. Its build is kept.

Processes side by side, as by `pytest -n 3`, have a stack each. Two runs at a time need two names:
PENSTOCK_E2E=other pytest tests/e2e
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
from tests.e2e.permissions import Unused, unused_of

HERE = Path(__file__).parent
NAME = os.environ.get("PENSTOCK_E2E", "e2e")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
STATE = PROJECT_ROOT / ".penstock" / (f"{NAME}-{WORKER}" if WORKER else NAME)
LAYOUT = Layout(PROJECT_ROOT, STATE / ".penstock")
UNUSED = Unused(PROJECT_ROOT / ".penstock" / f"{NAME}-unused")
IMAGES = PROJECT_ROOT / "examples"
_FILES = pytest.StashKey[set[Path]]()
_LEFT_OUT = pytest.StashKey[bool]()
PARAMETERS = (
    ("RegionBytes", str(4 * 1024**2)),  # so that files of a few megabytes have several regions
    ("EndpointNamePattern", "*"),
    ("SweepGraceSeconds", "5"),  # what is lost is found within a minute or two
)


def pytest_configure(config: pytest.Config) -> None:
    if not WORKER and config.getoption("numprocesses", default=None):
        UNUSED.clear()


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    session.stash[_FILES] = {item.path for item in items}
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def pytest_deselected(items: list[pytest.Item]) -> None:
    if not all(item.get_closest_marker("alone") for item in items):
        items[0].session.stash[_LEFT_OUT] = True


def is_whole_suite(session: pytest.Session) -> bool:
    """Whether all tests are run that go side by side, and none has failed so far."""
    all_files = session.stash[_FILES] >= set(HERE.glob("test_*.py"))
    return all_files and _LEFT_OUT not in session.stash and not session.testsfailed


@pytest.fixture(autouse=True)
def _sockets() -> None:
    enable_socket()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    enable_socket()
    local_stack.down(LAYOUT, _silent)  # one that a killed run left behind
    wanted = local_stack.Wanted(
        LAYOUT, endpoint_name="echo", parameters=PARAMETERS, records_permissions=True
    )
    try:
        stack = Stack(local_stack.up(wanted, print))
        yield stack
        if WORKER:
            UNUSED.note(WORKER, unused_of(stack, LAYOUT), whole=is_whole_suite(request.session))
    finally:
        local_stack.down(LAYOUT, _silent)


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
