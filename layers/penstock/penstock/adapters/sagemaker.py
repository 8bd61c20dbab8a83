"""Invocations of SageMaker endpoints."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock.adapters.aws import client, error_code, error_status
from penstock.domain.trouble import InvocationError, Kind, Trouble, call_trouble
from penstock.ports import AsyncRequest, AsyncTicket


def runtime_client() -> Any:
    """One attempt a call: botocore's own retries would repeat an inference behind our back."""
    return client("sagemaker-runtime", retries={"total_max_attempts": 1}, read_timeout=70)


@dataclass(frozen=True, slots=True)
class SageMakerModel:
    """Model over a sagemaker-runtime client."""

    runtime: Any

    def invoke_async(self, request: AsyncRequest) -> AsyncTicket:
        try:
            answer = self.runtime.invoke_endpoint_async(**_parameters(request))
        except ClientError as error:
            raise InvocationError(_trouble(error)) from error
        except BotoCoreError as error:
            trouble = Trouble(Kind.RETRYABLE, "ConnectionError", str(error))
            raise InvocationError(trouble) from error
        return AsyncTicket(answer["OutputLocation"], answer.get("FailureLocation"))


def _trouble(error: ClientError) -> Trouble:
    details = error.response.get("Error", {})
    message = details.get("Message") or str(error)
    return call_trouble(error_code(error), error_status(error), str(message))


def _parameters(request: AsyncRequest) -> dict[str, Any]:
    optional = {
        "CustomAttributes": request.custom_attributes,
        "Body": request.body,
        "InputLocation": request.input_location,
    }
    return {
        "EndpointName": request.endpoint,
        "InferenceId": request.inference_id,
        "ContentType": request.content_type,
        "Accept": request.accept,
        "InvocationTimeoutSeconds": request.timeout,
        "RequestTTLSeconds": request.queue_timeout,
        **{name: value for name, value in optional.items() if value is not None},
    }
