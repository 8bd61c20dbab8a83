"""What went wrong with an invocation, and what follows from it.

Errors are classed by error code and by the container's own status, never by HTTP status alone:
SageMaker answers a throttled call with 400.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import PenstockError
from penstock.domain.remedies import advised
from penstock.domain.retry import RetryPolicy, backoff

HOP_BUDGET = 20_000
"""Sends of one chunk's message. At one-second intervals it outlasts a deadline of five hours."""


class Kind(StrEnum):
    """Whose fault it was."""

    UNAVAILABLE = "unavailable"  # the model has no room: wait, at no cost in attempts
    RETRYABLE = "retryable"  # the model or the way to it failed: another attempt
    PERMANENT = "permanent"  # the request itself: the same again would fail again


@dataclass(frozen=True, slots=True)
class Trouble:
    """`code` groups errors, in AWS's own words where it has them; `message` is for people.

    With `of_records` fewer of the same records may fare better: one of them may be to blame.
    """

    kind: Kind
    code: str
    message: str
    of_records: bool = False

    @property
    def is_congestion(self) -> bool:
        """Whether fewer chunks at a time would have fared better."""
        return self.kind is Kind.UNAVAILABLE and self.code not in _NO_CONGESTION


MORE_MODELS = "MoreModels"
"""The code of a chunk whose time was up before all models of its records had been asked."""

NOT_REACHED = "NotReached"
"""The code of a chunk to which a transform job may not have come before it broke down."""

_NO_CONGESTION = frozenset({"ModelNotReadyException", MORE_MODELS, NOT_REACHED})

_UNAVAILABLE = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "ModelNotReadyException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_RETRYABLE = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "InternalDependencyException",
        "RequestTimeout",
        "ConnectionError",
    }
)
_TOO_LARGE = frozenset({"RequestEntityTooLarge", "PayloadTooLargeException"})
_NOT_IN_SERVICE = re.compile(
    r"not (?:yet )?in ?service|(?:Creating|Updating) state|has no capacity to process",
    re.IGNORECASE,
)
_CLIENT_ERRORS = range(400, 500)
_MODEL_STATUS = re.compile(r"error \((\d{1,9})\) from", re.ASCII)


def call_trouble(code: str, status: int, message: str) -> Trouble:
    """Classes the error of an invoke call by its error code; the status only breaks ties."""
    if code in _UNAVAILABLE or (code == "ValidationError" and _NOT_IN_SERVICE.search(message)):
        kind = Kind.UNAVAILABLE
    elif code in _RETRYABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = Kind.RETRYABLE
    else:
        kind = Kind.PERMANENT
    too_large = code in _TOO_LARGE or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return Trouble(kind, code, message, of_records=too_large)


def inference_trouble(reason: str, model_message: str = "") -> Trouble:
    """Classes the `failureReason` of an asynchronous inference by the container's status.

    Texts that AWS doesn't document, such as "could not get a response", have none.
    """
    match = _MODEL_STATUS.search(reason)
    text = model_message.strip() or reason
    if match is None:
        return Trouble(Kind.RETRYABLE, "InferenceFailed", text, of_records=True)
    return model_trouble(int(match[1]), text)


def model_trouble(status: int, message: str) -> Trouble:
    """Classes what the container did by its status, which is 0 if it died or was silent.

    Only a 4xx blames the request. Everything else may pass with the next attempt.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Trouble(Kind.UNAVAILABLE, "ModelBusy", message)
    if status in _CLIENT_ERRORS and status != HTTPStatus.REQUEST_TIMEOUT:
        return Trouble(Kind.PERMANENT, "ModelError", message, of_records=True)
    return Trouble(Kind.RETRYABLE, "ModelError", message, of_records=True)


def answer_trouble(code: str, message: str) -> Trouble:
    """Classes an answer that is not one result per record."""
    return Trouble(Kind.PERMANENT, code, message, of_records=code in _ANSWER_FAULTS)


_ANSWER_FAULTS = frozenset(
    {"WrongResultCount", "UnreadableResponse", "BadSelection", "ObjectTooLarge"}
)


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the message again, `delay` seconds from now."""

    message: ChunkMessage
    delay: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Settle the chunk with one error line a record.

    `unfinished`: the job ends before the chunk's turn. `fatal`: what failed is the call itself, as
    it would for any other chunk.
    """

    code: str
    message: str
    unfinished: bool = False
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Isolate:
    """Halve the chunk: one of its records may be to blame.

    `repeated`: it failed in all attempts.
    """

    code: str
    message: str
    repeated: bool


def next_step(
    policy: RetryPolicy,
    message: ChunkMessage,
    trouble: Trouble,
    time_left: float,
    uniform: Callable[[float, float], float],
) -> Retry | GiveUp | Isolate:
    """What follows a failed invocation.

    Args:
        time_left: seconds until the job's deadline.
        uniform: the source of randomness, as `random.uniform`.
    """
    following = _following(policy, message, trouble)
    if following is None:
        return _last_step(message, trouble, time_left)
    delay = round(backoff(policy, max(following.pauses, following.attempt - 1), uniform))
    return Retry(following, delay) if delay < time_left else _out_of_time(trouble)


def _following(policy: RetryPolicy, message: ChunkMessage, trouble: Trouble) -> ChunkMessage | None:
    if message.hops >= HOP_BUDGET:
        return None
    if trouble.kind is Kind.UNAVAILABLE:
        return message.paused()
    if trouble.kind is Kind.RETRYABLE and _allows(policy, message, trouble.code):
        return message.next_attempt()
    return None


def _allows(policy: RetryPolicy, message: ChunkMessage, code: str) -> bool:
    if message.suspect and message.records > 1:
        return False
    return policy.allows(message.attempt, code)


def _last_step(message: ChunkMessage, trouble: Trouble, time_left: float) -> GiveUp | Isolate:
    if trouble.of_records and message.records > 1:
        repeated = trouble.kind is not Kind.PERMANENT
        isolate = Isolate(trouble.code, trouble.message, repeated)
        return isolate if time_left > 0 else _out_of_time(trouble)
    fatal = trouble.kind is Kind.PERMANENT and not trouble.of_records
    return GiveUp(trouble.code, advised(trouble.code, trouble.message), fatal=fatal)


def _out_of_time(trouble: Trouble) -> GiveUp:
    message = f"no time left to retry after {trouble.code}"
    return GiveUp("DeadlineExceeded", message, unfinished=True)


class InvocationError(PenstockError):
    """An invoke call failed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code, trouble.message)
        self.trouble = trouble
