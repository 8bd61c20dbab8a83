"""`mode: auto`: which inference type a file gets. docs/inference-types.md has the rule in words."""

from dataclasses import dataclass, replace
from typing import Literal

from penstock.domain.errors import PermanentError
from penstock.domain.invoke import (
    LONGEST_INVOCATION,
    USUAL_INVOCATION,
    USUAL_REALTIME,
    Invoke,
    Target,
)
from penstock.domain.pipeline import Pipeline

Kind = Literal["asynchronous", "serverless", "instances"]
"""What an endpoint is. Those with instances answer in real time."""

AUTO = "auto"

LARGEST_SERVERLESS = 4_000_000
"""Bytes of a request to a serverless endpoint (guide, `serverless-endpoints`: 4 MB)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A mode, and why it was taken."""

    mode: str
    reason: str


def choose(invoke: Invoke, size: int, kind: Kind | None) -> Choice:
    """The mode for a file of so many bytes.

    An endpoint that is there answers sooner and is paid for anyway; the instances of a transform
    job take minutes to start and are paid for while it runs. So only large files are worth one.

    Args:
        kind: of the endpoint, if the pipeline names one.

    Raises:
        PermanentError: `UnsuitableEndpoint`.
    """
    if kind is None:
        return Choice("transform", "the pipeline names a model and no endpoint")
    if invoke.transform and size >= invoke.transform_from:
        reason = f"{size} bytes are at least transform_from, {invoke.transform_from}"
        return Choice("transform", reason)
    if kind == "asynchronous":
        _check_no_target(invoke)
        return Choice("async", f"endpoint {invoke.endpoint} is asynchronous")
    if invoke.timeout > LONGEST_INVOCATION["realtime"]:
        return _for_long_invocations(invoke)
    what = "is serverless" if kind == "serverless" else "has instances and is not asynchronous"
    return Choice("realtime", f"endpoint {invoke.endpoint} {what}")


def chosen(pipeline: Pipeline, choice: Choice, kind: Kind | None) -> Pipeline:
    """The pipeline as it would be, had its author made the choice."""
    invoke, mode = pipeline.invoke, choice.mode
    fits = {
        "mode": mode,
        "choice": choice.reason,
        "timeout": invoke.timeout or USUAL_INVOCATION[mode],
        "max_payload": _largest(invoke, kind) if mode == "realtime" else None,
        "transform": invoke.transform if mode == "transform" else None,
        "target": invoke.target if mode == "realtime" else Target(),
        "endpoint": "" if mode == "transform" else invoke.endpoint,
    }
    return replace(pipeline, invoke=replace(invoke, **fits))  # type: ignore[arg-type]  # by name


def _largest(invoke: Invoke, kind: Kind | None) -> int:
    limit = LARGEST_SERVERLESS if kind == "serverless" else USUAL_REALTIME
    given = invoke.max_payload
    if given is None:
        return limit
    return min(given, limit) if kind == "serverless" else given


def _check_no_target(invoke: Invoke) -> None:
    if invoke.target != Target():
        message = (
            f"endpoint {invoke.endpoint} is asynchronous, and an asynchronous request cannot name "
            "a part of its endpoint; name another endpoint, or remove the target from `invoke`"
        )
        raise PermanentError("UnsuitableEndpoint", message)


def _for_long_invocations(invoke: Invoke) -> Choice:
    longest = LONGEST_INVOCATION["realtime"]
    if invoke.transform:
        reason = (
            f"an invocation may take {invoke.timeout} seconds, more than {longest} in real time"
        )
        return Choice("transform", reason)
    message = (
        f"`invoke.timeout` is {invoke.timeout} seconds, and endpoint {invoke.endpoint} answers in "
        f"real time, within {longest}; shorten it, or make the endpoint asynchronous"
    )
    raise PermanentError("UnsuitableEndpoint", message)
