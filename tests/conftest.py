"""What all tests share: no network, no AWS account, the same examples each time."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket

HERE = Path(__file__).parent
IN_MEMORY = ("unit", "conventions", "template", "simulation")
AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
OF_THE_DEVELOPER = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL")

# The same examples in each run: a red build is the fault of a change. To look further:
# HYPOTHESIS_PROFILE=explore pytest tests/unit
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def kind_of(item: pytest.Item) -> str:
    """The folder under tests/ that the test is in."""
    return item.path.relative_to(HERE).parts[0]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests in memory open no sockets but Unix ones, by which event loops wake themselves."""
    asks = item.get_closest_marker("enable_socket") or item.get_closest_marker("allow_hosts")
    if kind_of(item) in IN_MEMORY and not asks and "socket_enabled" not in _fixtures(item):
        disable_socket(allow_unix_socket=True)


def _fixtures(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", []))


@pytest.fixture(autouse=True)
def _aws_of_nobody(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever account is configured here, no test reaches it."""
    if kind_of(request.node) == "e2e":
        return
    for name in OF_THE_DEVELOPER:
        monkeypatch.delenv(name, raising=False)
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
