"""What kind of endpoint there is behind a name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from penstock.adapters.aws import error_code, translated
from penstock.domain.choice import Kind
from penstock.domain.errors import PermanentError

MEMORY = 60.0
"""Seconds. SageMaker answers five such questions a second in all (quota of DescribeEndpoint)."""

_NOT_THERE = "ValidationException"
"""SageMaker's answer for a name that it doesn't know: Could not find endpoint."""


@dataclass(frozen=True, slots=True)
class SageMakerEndpoints:
    """Endpoints over a sagemaker client, asked twice for a name that is new."""

    sagemaker: Any
    now: Callable[[], float]
    _known: dict[str, tuple[float, Kind]] = field(default_factory=dict)

    def kind_of(self, name: str) -> Kind:
        at, known = self._known.get(name, (-MEMORY, None))
        if known is None or self.now() >= at + MEMORY:
            known = self._ask(name)
            self._known[name] = self.now(), known
        return known

    def _ask(self, name: str) -> Kind:
        with translated(f"endpoint {name}"):
            config = self.sagemaker.describe_endpoint_config(EndpointConfigName=self._config(name))
        if config.get("AsyncInferenceConfig"):
            return "asynchronous"
        is_serverless = any("ServerlessConfig" in each for each in config["ProductionVariants"])
        return "serverless" if is_serverless else "instances"

    def _config(self, name: str) -> str:
        try:
            return str(self.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"])
        except ClientError as error:
            if error_code(error) != _NOT_THERE:
                raise
            message = f"there is no endpoint {name}; mend `invoke.endpoint`, or create it"
            raise PermanentError("NoSuchEndpoint", message) from error
