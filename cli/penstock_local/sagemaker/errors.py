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


def not_supported(what: str) -> ApiError:
    return validation_exception(f"{what} is not supported by the local SageMaker yet.")
