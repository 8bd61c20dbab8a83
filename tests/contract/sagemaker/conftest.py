from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.contract.sagemaker.lab import AsyncEndpoint, Lab, Server, Surroundings, running_server

HERE = Path(__file__).parent
# Tests make more jobs, and ask for them more often, than an account may.
UNHURRIED = [
    *("--limit", "create_transform_jobs_per_second=1000"),
    *("--limit", "describe_transform_jobs_per_second=1000"),
    *("--limit", "list_transform_jobs_per_second=1000"),
    *("--limit", "transform_instances=20"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(scope="session")
def around() -> Iterator[Surroundings]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield Surroundings(f"http://{host}:{port}")
    moto.stop()


@pytest.fixture(scope="session")
def server(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("sagemaker") / "state"
    with running_server(state, around.url, *UNHURRIED) as running:
        yield running


@pytest.fixture
def lab(server: Server, around: Surroundings) -> Iterator[Lab]:
    yield Lab(server, around)
    server.local("DELETE", "faults")
    server.local("DELETE", "limits")


@pytest.fixture(scope="session")
def shared_endpoint(server: Server, around: Surroundings) -> AsyncEndpoint:
    """For tests that change nothing about it and read no notifications."""
    return Lab(server, around).async_endpoint(instances=2)


@pytest.fixture
def endpoint(lab: Lab) -> AsyncEndpoint:
    return lab.async_endpoint()
