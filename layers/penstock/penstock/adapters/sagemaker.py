"""Invocations of SageMaker endpoints."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from penstock.adapters.aws import client, error_code, error_status
from penstock.domain.invoke import LONGEST_INVOCATION
from penstock.domain.trouble import (
    InvocationError,
    Kind,
    Trouble,
    call_trouble,
    model_trouble,
)
from penstock.ports import AsyncRequest, AsyncTicket, SyncAnswer, SyncRequest

LONGEST_SILENCE = 70
"""Seconds: SageMaker ends a real-time invocation after 60, and its word has to arrive."""

_MAKING_A_CLIENT = Lock()
"""boto3's default session is not made for threads."""


@cache
def runtime_client(read_timeout: int = LONGEST_SILENCE) -> Any:
    """One attempt a call: botocore's own retries would repeat an inference behind our back."""
    retries = {"total_max_attempts": 1}
    with _MAKING_A_CLIENT:
        return client("sagemaker-runtime", retries=retries, read_timeout=read_timeout)


@dataclass(frozen=True, slots=True)
class SageMakerModel:
    """Model over sagemaker-runtime clients, which `runtime` gives by their read timeout."""

    runtime: Callable[[int], Any] = runtime_client

    def invoke_async(self, request: AsyncRequest) -> AsyncTicket:
        with _translated(request.timeout):
            runtime = self.runtime(LONGEST_SILENCE)
            answer = runtime.invoke_endpoint_async(**_async_parameters(request))
        return AsyncTicket(answer["OutputLocation"], answer.get("FailureLocation"))

    def invoke(self, request: SyncRequest) -> SyncAnswer:
        is_short = request.timeout < LONGEST_INVOCATION["realtime"]
        with _translated(request.timeout):
            runtime = self.runtime(request.timeout if is_short else LONGEST_SILENCE)
            answer = runtime.invoke_endpoint(**_sync_parameters(request))
            body = answer["Body"].read()
        return SyncAnswer(body, answer["ContentType"], answer.get("InvokedProductionVariant"))


@contextmanager
def _translated(timeout: int) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise InvocationError(_trouble(error)) from error
    except ReadTimeoutError as error:
        message = f"no answer within {timeout} seconds"
        trouble = Trouble(Kind.RETRYABLE, "ModelTimeout", message, of_records=True)
        raise InvocationError(trouble) from error
    except BotoCoreError as error:
        raise InvocationError(Trouble(Kind.RETRYABLE, "ConnectionError", str(error))) from error


def _trouble(error: ClientError) -> Trouble:
    response: dict[str, Any] = {**error.response}
    message = str(response.get("Error", {}).get("Message") or error)
    status = response.get("OriginalStatusCode")
    if error_code(error) == "ModelError" and status is not None:
        return model_trouble(int(status), response.get("OriginalMessage") or message)
    return call_trouble(error_code(error), error_status(error), message)


def _async_parameters(request: AsyncRequest) -> dict[str, Any]:
    return _given(
        EndpointName=request.endpoint,
        InferenceId=request.inference_id,
        ContentType=request.content_type,
        Accept=request.accept,
        InvocationTimeoutSeconds=request.timeout,
        RequestTTLSeconds=request.queue_timeout,
        CustomAttributes=request.custom_attributes,
        Body=request.body,
        InputLocation=request.input_location,
    )


def _sync_parameters(request: SyncRequest) -> dict[str, Any]:
    return _given(
        EndpointName=request.endpoint,
        InferenceId=request.inference_id,
        ContentType=request.content_type,
        Accept=request.accept,
        CustomAttributes=request.custom_attributes,
        Body=request.body,
        TargetModel=request.target.model,
        TargetVariant=request.target.variant,
        TargetContainerHostname=request.target.container,
        InferenceComponentName=request.target.component,
    )


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
