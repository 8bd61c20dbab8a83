"""AWS's errors in our two families: what passes must never become an error line."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from penstock.adapters.aws import translated
from penstock.domain.errors import PenstockError, PermanentError, RetryableError


def translation(error: Exception) -> PenstockError:
    with pytest.raises(PenstockError) as caught, translated("s3://b/k"):
        raise error
    return caught.value


def client_error(code: str, status: int) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": "m"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 400),
        ("TransactionConflictException", 400),
        ("RequestThrottled", 403),
        ("KmsThrottled", 400),
        ("SlowDown", 503),
        ("TooManyRequestsException", 429),
        ("ExpiredTokenException", 400),
        ("RequestTimeout", 400),
        ("RequestTimeTooSkewed", 403),
        ("ConditionalRequestConflict", 409),
        ("InternalError", 500),
        ("ServiceUnavailable", 503),
        ("SomethingNew", 500),
        ("Unknown", 0),
    ],
)
def test_an_error_that_passes_may_be_tried_again(code: str, status: int) -> None:
    error = translation(client_error(code, status))

    assert isinstance(error, RetryableError)
    assert error.code == code


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("NoSuchKey", 404, "ObjectNotFound"),
        ("NoSuchVersion", 404, "ObjectNotFound"),
        ("404", 404, "ObjectNotFound"),
        ("PreconditionFailed", 412, "ObjectChanged"),
        ("AccessDenied", 403, "AccessDenied"),
        ("AccessDeniedException", 400, "AccessDenied"),
        ("403", 403, "AccessDenied"),
        ("ValidationException", 400, "ValidationException"),
        ("ConditionalCheckFailedException", 400, "ConditionalCheckFailedException"),
    ],
)
def test_an_error_that_stays_is_permanent(code: str, status: int, ours: str) -> None:
    error = translation(client_error(code, status))

    assert isinstance(error, PermanentError)
    assert error.code == ours
    assert "s3://b/k" in error.message


@pytest.mark.parametrize(
    "error",
    [ReadTimeoutError(endpoint_url="u"), EndpointConnectionError(endpoint_url="u")],
)
def test_a_lost_connection_may_be_tried_again(error: Exception) -> None:
    assert isinstance(translation(error), RetryableError)


def test_a_bug_of_ours_is_not_translated() -> None:
    with pytest.raises(KeyError), translated("s3://b/k"):
        raise KeyError("bug")


def test_an_answer_that_nobody_can_read_may_be_better_next_time() -> None:
    error = translation(ResponseParserError("invalid XML received: <!doctype html>"))

    assert isinstance(error, RetryableError)
    assert error.code == "ConnectionError"
