"""The errors that the two protocols answer with."""

from typing import Any

ACCOUNT = "000000000000"


class ApiError(Exception):
    """What a caller gets instead of a result: error code, message, HTTP status, further members."""

    def __init__(
        self,
        code: str,
        message: str | None,
        status: int = 400,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}


def validation_exception(message: str) -> ApiError:
    """The control plane's spelling."""
    return ApiError("ValidationException", message)


def validation_error(message: str) -> ApiError:
    """The runtime's spelling: the two services name the same thing differently."""
    return ApiError("ValidationError", message)


def throttled() -> ApiError:
    """As the runtime throttles: <https://github.com/opensearch-project/ml-commons/issues/2429>."""
    return ApiError("ThrottlingException", None)


def model_not_ready(message: str) -> ApiError:
    return ApiError("ModelNotReadyException", message, 429)


def quota_exceeded(quota: str, limit: int, used: int, delta: int) -> ApiError:
    """`quota` is its name in Service Quotas and its unit, as in "…' is 4 Instances"."""
    name, _, unit = quota.rpartition("/")
    return ApiError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{name}' is {limit} {unit}, with current utilization of "
        f"{used} {unit} and a request delta of {delta} {unit}. Please contact AWS support to "
        "request an increase for this limit.",
    )


def not_supported(what: str) -> ApiError:
    return validation_exception(f"{what} is not supported by the local SageMaker yet.")
