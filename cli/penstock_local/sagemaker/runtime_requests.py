"""Reads and checks the parameters of the runtime operations. Pure but for the request object."""

from collections.abc import Mapping
from typing import Any

from penstock_local.sagemaker.constraints import message, violations
from penstock_local.sagemaker.errors import validation_error
from penstock_local.sagemaker.service_model import runtime_request

_REAL_TIME_ONLY = (
    "EnableExplanations",
    "SessionId",
    "PrefixAwareId",
)


def async_parameters(endpoint: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The checked parameters, without Body. Raises ApiError."""
    parameters = _checked("InvokeEndpointAsync", endpoint, headers, body)
    if ("InputLocation" in parameters) == bool(body):
        raise validation_error(
            "Body and InputLocation are mutually exclusive. Provide exactly one of them."
        )
    if not parameters.get("InputLocation", "").isascii():
        # The header is ASCII by its type; what the service makes of other bytes is not documented.
        raise validation_error("InputLocation must consist of ASCII characters.")
    return parameters


def real_time_parameters(endpoint: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The checked parameters; see `check_payload` for the Body. Raises ApiError."""
    parameters = _checked("InvokeEndpoint", endpoint, headers, b"")
    for name in _REAL_TIME_ONLY:
        if name in parameters:
            raise validation_error(f"{name} is not supported by the local SageMaker yet.")
    return parameters


def check_payload(body: bytes, maximum_bytes: int) -> None:
    """Raises ApiError in the words of the service, whose model holds only one of its limits."""
    if len(body) > maximum_bytes:
        rule = f"Member must have length less than or equal to {maximum_bytes}"
        raise validation_error(
            message([f"Value at 'body' failed to satisfy constraint: {rule}"]),
        )


def _checked(
    operation: str, endpoint: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    shape = runtime_request(operation)
    parameters: dict[str, Any] = {"EndpointName": endpoint}
    for name, member in shape.members.items():
        value = headers.get(member.serialization.get("name", ""))
        if member.serialization.get("location") == "header" and value is not None:
            parameters[name] = _integer(name, value) if member.type_name == "integer" else value
    found = violations(shape, {**parameters, "Body": body})
    if found:
        raise validation_error(message(found))
    return parameters


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise validation_error(f"{name} is no integer.") from error
