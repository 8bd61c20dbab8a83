"""How an invocation ended, in the service's words. Pure."""

from dataclasses import dataclass

_MULTIPLE_CHOICES = 300
_OK = 200
_BAD_REQUEST = 400
_SERVER_ERROR = 500
_SEE_LOGS = "See the SageMaker Endpoint logs in your account for more information."
NO_ANSWER_STATUS = 0


@dataclass(frozen=True)
class Completed:
    content_type: str | None


@dataclass(frozen=True)
class Failed:
    """`text` becomes the failure object where the model sent no body of its own."""

    reason: str
    text: str
    content_type: str | None = "text/plain"
    expired: bool = False


def is_success(status: int) -> bool:
    return _OK <= status < _MULTIPLE_CHOICES


def model_failure_reason(status: int) -> str:
    side = "client" if _BAD_REQUEST <= status < _SERVER_ERROR else "server"
    return f"ClientError: Received {side} error ({status}) from model. {_SEE_LOGS}"


def no_answer(endpoint_name: str) -> Failed:
    return Failed(model_failure_reason(NO_ANSWER_STATUS), no_answer_text(endpoint_name))


def no_answer_text(endpoint_name: str) -> str:
    return (
        f"Amazon SageMaker could not get a response from the {endpoint_name} endpoint. "
        "This can occur when CPU or memory utilization is high. To check your utilization, see "
        "Amazon CloudWatch. To fix this problem, use an instance type with more CPU capacity or "
        "memory."
    )


def timed_out(container: str) -> Failed:
    return Failed(model_failure_reason(NO_ANSWER_STATUS), timed_out_text(container))


def timed_out_text(container: str) -> str:
    return (
        f"Your invocation timed out while waiting for a response from container {container}. "
        "Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, "
        "and try again."
    )


def bad_answer(text: str) -> Failed:
    return Failed(model_failure_reason(NO_ANSWER_STATUS), text)


# The next four texts are ours: the service's own are not documented.
def expired(ttl_seconds: float) -> Failed:
    text = f"ClientError: The request expired: it was in the queue for {ttl_seconds:g} seconds."
    return Failed(text, text, expired=True)


def internal_error() -> Failed:
    text = "InternalServerError: the local SageMaker failed. Its log has the traceback."
    return Failed(text, text)


def input_unavailable(location: str, cause: str) -> Failed:
    text = f"ClientError: Failed to download the input from {location}: {cause}"
    return Failed(text, text)


def output_unavailable(location: str, cause: str) -> Failed:
    text = f"ClientError: Failed to upload the output to {location}: {cause}"
    return Failed(text, text)
