"""The tests share one SageMaker: a local one, or the service itself with `--sagemaker aws`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from tests.contract.sagemaker.lab import Account, AsyncEndpoint, Lab, Server, Surroundings

# What the tests import depends on the option: nothing of it may be imported before it is known.
HERE = Path(__file__).parent
SETTING = "PENSTOCK_SAGEMAKER"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sagemaker",
        choices=("local", "aws"),
        default="local",
        help="what the contract tests of SageMaker run against; see docs/local-sagemaker.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "local: needs the local SageMaker, by its nature")
    os.environ[SETTING] = config.getoption("--sagemaker", default="local")
    if os.environ[SETTING] == "aws":
        needed = ("PENSTOCK_AWS_ROLE", "PENSTOCK_AWS_BUCKET", "PENSTOCK_AWS_IMAGE")
        missing = [name for name in needed if not os.environ.get(name)]
        if missing:
            raise pytest.UsageError(f"--sagemaker aws needs {', '.join(missing)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    on_aws = os.environ[SETTING] == "aws"
    for item in items:
        if HERE not in item.path.parents:
            continue
        if not on_aws:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))
        elif item.get_closest_marker("local"):
            item.add_marker(pytest.mark.skip(reason="needs the local SageMaker"))


@pytest.fixture(scope="session")
def around() -> Iterator["Surroundings"]:
    from tests.contract.sagemaker.lab import ON_AWS, Surroundings  # noqa: PLC0415

    if ON_AWS:
        found = Surroundings(None)
        yield found
        for undo in reversed(found.undo):
            undo()
        return
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield Surroundings(f"http://{host}:{port}")
    moto.stop()


@pytest.fixture(scope="session")
def server(
    around: "Surroundings", tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Server | Account"]:
    from tests.contract.sagemaker.account import account  # noqa: PLC0415
    from tests.contract.sagemaker.lab import ON_AWS, UNHURRIED, running_server  # noqa: PLC0415

    state = tmp_path_factory.mktemp("sagemaker") / "state"
    running = account() if ON_AWS else running_server(state, around.url, *UNHURRIED)
    with running as found:
        yield found


@pytest.fixture
def lab(server: "Server | Account", around: "Surroundings") -> Iterator["Lab"]:
    from tests.contract.sagemaker.lab import ON_AWS, Lab  # noqa: PLC0415

    lab = Lab(server, around)
    yield lab
    if not ON_AWS:
        lab.close()
        server.local("DELETE", "faults")
        server.local("DELETE", "limits")


@pytest.fixture(scope="session")
def shared_endpoint(server: "Server | Account", around: "Surroundings") -> "AsyncEndpoint":
    """For tests that change nothing about it and read no notifications."""
    from tests.contract.sagemaker.lab import Lab  # noqa: PLC0415

    return Lab(server, around).async_endpoint(instances=2)


@pytest.fixture
def endpoint(lab: "Lab") -> "AsyncEndpoint":
    return lab.async_endpoint()
