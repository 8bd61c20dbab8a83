"""Clients, and AWS's errors in our two families."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from penstock.domain.errors import PermanentError, RetryableError

_NOT_FOUND = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NoSuchBucket"})
_CHANGED = frozenset({"PreconditionFailed", "412"})
_CLIENT_ERRORS = range(400, 500)
_PASSING = frozenset(
    {
        # Throttles are client errors to AWS; the names are those of botocore's standard retry mode.
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
        # So are these, which have passed when the message comes back.
        "ConditionalRequestConflict",
        "ExpiredToken",
        "ExpiredTokenException",
        "KmsThrottled",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "TransactionConflictException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "AuthorizationError"})


def client(service: str, **config: Any) -> Any:
    """A client whose pool holds the threads of one function."""
    options: dict[str, Any] = {"max_pool_connections": 32, "retries": {"mode": "standard"}}
    return boto3.client(service, config=Config(**options | config))  # type: ignore[call-overload]


def error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code") or "Unknown")


def error_status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Raises AWS's errors as ours; `subject` names what was asked for.

    Raises:
        PermanentError: `ObjectNotFound`, `ObjectChanged`, `AccessDenied`, or AWS's own code.
        RetryableError: everything else.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(error, subject) from error
    except (BotoCoreError, ResponseParserError) as error:
        # An answer that can't be parsed is a proxy's, or half of one.
        raise RetryableError("ConnectionError", f"{subject}: {error}") from error


def _translated(error: ClientError, subject: str) -> PermanentError | RetryableError:
    code = error_code(error)
    if code in _NOT_FOUND:
        return PermanentError("ObjectNotFound", f"{subject} does not exist (any more)")
    if code in _CHANGED:
        return PermanentError("ObjectChanged", f"{subject} was overwritten since it was dropped")
    if code in _DENIED:
        return PermanentError("AccessDenied", f"{subject}: {error}")
    if error_status(error) in _CLIENT_ERRORS and code not in _PASSING:
        return PermanentError(code, f"{subject}: {error}")
    return RetryableError(code, f"{subject}: {error}")
