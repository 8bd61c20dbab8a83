"""The service itself, as the tests see it. Whatever they create is deleted at the end."""

import contextlib
import functools
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.target import client, eventually

# What costs money or space, in the order of deletion: operation, member with the name.
_CREATED = {
    "InferenceComponent": "InferenceComponentName",
    "Endpoint": "EndpointName",
    "EndpointConfig": "EndpointConfigName",
    "Model": "ModelName",
}


class Account:
    """Has no faults on order, no counts, no clock to move: tests that need one are skipped."""

    url = None

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {kind: [] for kind in _CREATED}
        for kind in _CREATED:
            event = f"provide-client-params.sagemaker.Create{kind}"
            self.control.meta.events.register(event, self._remember)

    @cached_property
    def control(self) -> Any:
        return client("sagemaker", None)

    @cached_property
    def runtime(self) -> Any:
        return client("sagemaker-runtime", None)

    def local(self, *_: Any) -> NoReturn:
        pytest.skip("needs the local SageMaker")

    def http(self, *_: Any, **__: Any) -> NoReturn:
        pytest.skip("needs the local SageMaker")

    def stats(self, _: str) -> NoReturn:
        pytest.skip("needs the local SageMaker")

    def status(self, endpoint: str) -> str:
        described = self.control.describe_endpoint(EndpointName=endpoint)
        return str(described["EndpointStatus"])

    def until_status(self, endpoint: str, status: str) -> None:
        eventually(lambda: self.status(endpoint) == status)

    def _remember(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        kind = model.name.removeprefix("Create")
        self._names[kind].append(params[_CREATED[kind]])

    def clean_up(self) -> None:
        """Waits: nothing can be deleted while it is being created, no endpoint with components."""
        for kind, member in _CREATED.items():
            for name in self._names[kind]:
                eventually(functools.partial(self._is_gone, kind, {member: name}))

    def _is_gone(self, kind: str, name: dict[str, str]) -> bool:
        """Whether it doesn't exist (any more); tries to delete it if it does."""
        try:
            self.control._make_api_call(f"Describe{kind}", name)
        except ClientError as error:
            return error.response["Error"]["Message"].startswith("Could not find")
        with contextlib.suppress(ClientError):
            self.control._make_api_call(f"Delete{kind}", name)
        return False


@contextlib.contextmanager
def account() -> Iterator[Account]:
    found = Account()
    try:
        yield found
    finally:
        found.clean_up()
