import base64
import json
import re

import pytest

from tests.contract.sagemaker.lab import BUCKET, REGION, AsyncEndpoint, Lab, eventually, unique

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SEE_LOGS = "See the SageMaker Endpoint logs in your account for more information."


def test_an_inline_body_comes_back_as_an_output_object(shared_endpoint: AsyncEndpoint):
    response = shared_endpoint.invoke(b"a\nb\n", ContentType="text/csv")

    output = shared_endpoint.output(response)

    assert output["Body"] == b"echo:a\necho:b\n"
    assert output["ContentType"] == "text/csv; charset=utf-8"


def test_an_input_object_is_fetched_when_the_request_is_processed(shared_endpoint: AsyncEndpoint):
    location = shared_endpoint.around.put("in/some key+with?signs#.csv", b"from s3")

    response = shared_endpoint.invoke(InputLocation=location)

    assert shared_endpoint.output(response)["Body"] == b"echo:from s3\n"


def test_the_answer_is_202_with_the_places_of_output_and_failure(shared_endpoint: AsyncEndpoint):
    response = shared_endpoint.invoke(b"a", InferenceId="mine")

    assert response["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert response["InferenceId"] == "mine"
    assert re.fullmatch(
        rf"s3://{BUCKET}/async/output/[0-9a-f-]{{36}}\.out", response["OutputLocation"]
    )
    assert re.fullmatch(
        rf"s3://{BUCKET}/async/failure/[0-9a-f-]{{36}}-error\.out", response["FailureLocation"]
    )


def test_an_inference_id_is_made_up_and_does_not_name_the_output(shared_endpoint: AsyncEndpoint):
    response = shared_endpoint.invoke(b"a")

    assert response["InferenceId"]
    assert response["InferenceId"] not in response["OutputLocation"]


def test_path_extension_and_filename_make_the_output_location(shared_endpoint: AsyncEndpoint):
    response = shared_endpoint.invoke(b"a", S3OutputPathExtension="job/7/", Filename="0001.csv")

    assert response["OutputLocation"] == f"s3://{BUCKET}/async/output/job/7/0001.csv"
    assert shared_endpoint.output(response)["Body"] == b"echo:a\n"


def test_an_https_output_path_is_kept_in_its_form(lab: Lab):
    base = f"https://{BUCKET}.s3.{REGION}.amazonaws.com/https-output"
    endpoint = lab.async_endpoint(S3OutputPath=base)

    response = endpoint.invoke(b"a")

    assert response["OutputLocation"].startswith(f"{base}/")
    assert endpoint.output(response)["Body"] == b"echo:a\n"
    sent = endpoint.success.message()["responseParameters"]["outputLocation"]
    assert sent == response["OutputLocation"]


def test_without_a_failure_path_there_is_no_failure_location_but_a_notification(lab: Lab):
    endpoint = lab.async_endpoint(S3FailurePath=None)

    response = endpoint.invoke(b"poison")

    assert "FailureLocation" not in response
    assert endpoint.error.message()["inferenceId"] == response["InferenceId"]


def test_without_topics_results_are_only_in_s3(lab: Lab):
    endpoint = lab.async_endpoint(NotificationConfig=None)

    good, bad = endpoint.invoke(b"a"), endpoint.invoke(b"poison")

    assert endpoint.output(good)["Body"] == b"echo:a\n"
    assert endpoint.failure(bad)["Body"] == b"poisoned record"
    eventually(lambda: endpoint.stats()["failed"] == 1)
    assert endpoint.stats()["notifications_sent"] == 0


def test_the_container_gets_only_the_headers_that_the_service_passes_on(
    shared_endpoint: AsyncEndpoint,
):
    response = shared_endpoint.invoke(
        b"headers",
        ContentType="text/csv",
        Accept="application/json",
        CustomAttributes="trace=1",
        InferenceId="id-1",
    )

    headers = json.loads(shared_endpoint.output(response)["Body"])
    del headers["Host"], headers["Connection"]
    assert headers == {
        "Content-Type": "text/csv",
        "Accept": "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
        "X-Amzn-SageMaker-Inference-Id": "id-1",
        "Content-Length": "7",
    }


def test_the_container_gets_no_content_type_that_was_not_given(shared_endpoint: AsyncEndpoint):
    headers = json.loads(shared_endpoint.output(shared_endpoint.invoke(b"headers"))["Body"])

    assert "Content-Type" not in headers
    assert "Accept" not in headers


def test_the_container_runs_in_the_environment_of_a_sagemaker_container(lab: Lab):
    endpoint = lab.async_endpoint(environment={"MODEL_FLAVOUR": "vanilla"})

    environment = json.loads(endpoint.output(endpoint.invoke(b"environment"))["Body"])

    assert environment["MODEL_FLAVOUR"] == "vanilla"
    assert int(environment["SAGEMAKER_BIND_TO_PORT"]) > 1023
    assert re.fullmatch(r"\d+-\d+", environment["SAGEMAKER_SAFE_PORT_RANGE"])
    assert environment["AWS_REGION"] == REGION
    assert "AWS_SECRET_ACCESS_KEY" not in environment


def test_the_success_notification_has_the_documented_fields_and_no_others(endpoint: AsyncEndpoint):
    location = endpoint.around.put("in/a.csv", b"a")
    response = endpoint.invoke(InputLocation=location, ContentType="text/csv")

    message = endpoint.success.message()

    assert TIMESTAMP.fullmatch(message.pop("eventTime"))
    assert TIMESTAMP.fullmatch(message.pop("receivedTime"))
    assert message == {
        "awsRegion": REGION,
        "invocationStatus": "Completed",
        "requestParameters": {
            "contentType": "text/csv",
            "endpointName": endpoint.name,
            "inputLocation": location,
        },
        "responseParameters": {
            "contentType": "text/csv; charset=utf-8",
            "outputLocation": response["OutputLocation"],
        },
        "inferenceId": response["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert endpoint.error.messages() == []


def test_the_failure_notification_has_the_documented_fields_and_no_others(endpoint: AsyncEndpoint):
    location = endpoint.around.put("in/fail.csv", b"fail")
    response = endpoint.invoke(InputLocation=location)

    message = endpoint.error.message()

    assert TIMESTAMP.fullmatch(message.pop("eventTime"))
    assert TIMESTAMP.fullmatch(message.pop("receivedTime"))
    assert message == {
        "awsRegion": REGION,
        "invocationStatus": "Failed",
        "failureReason": f"ClientError: Received server error (500) from model. {SEE_LOGS}",
        "requestParameters": {"endpointName": endpoint.name, "inputLocation": location},
        "inferenceId": response["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert endpoint.success.messages() == []


def test_the_notification_repeats_accept_and_custom_attributes_and_omits_an_inline_input(
    endpoint: AsyncEndpoint,
):
    endpoint.invoke(b"a", Accept="text/csv", CustomAttributes="chunk=00012.0031")

    assert endpoint.success.message()["requestParameters"] == {
        "accept": "text/csv",
        "customAttributes": "chunk=00012.0031",
        "endpointName": endpoint.name,
    }


def test_included_responses_are_base64_with_the_services_message(lab: Lab):
    endpoint = including_responses(lab)
    endpoint.invoke(b"a")
    endpoint.invoke(b"poison")

    for topic, content in ((endpoint.success, b"echo:a\n"), (endpoint.error, b"poisoned record")):
        assert topic.message()["responseBody"] == {
            "content": base64.b64encode(content).decode(),
            "message": "Check S3 path location(if configured) or Cloudwatch for additional "
            "details.",
            "encoding": "BASE64",
        }


@pytest.mark.parametrize(
    ("size", "included"), [(131_072, True), (131_073, False), (9_437_184, False)]
)
def test_a_response_of_more_than_128_kb_is_not_included(lab: Lab, size: int, included: bool):
    endpoint = including_responses(lab)
    endpoint.invoke(f"large {size}".encode())

    assert ("content" in endpoint.success.message()["responseBody"]) is included


def including_responses(lab: Lab) -> AsyncEndpoint:
    both = ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"]
    name = unique("included")
    success, error = lab.around.topic(f"{name}-success"), lab.around.topic(f"{name}-error")
    endpoint = lab.async_endpoint(
        NotificationConfig={
            "SuccessTopic": success.arn,
            "ErrorTopic": error.arn,
            "IncludeInferenceResponseIn": both,
        }
    )
    endpoint.success, endpoint.error = success, error
    return endpoint


def test_a_client_error_of_the_model_is_a_failure_with_the_models_body(endpoint: AsyncEndpoint):
    response = endpoint.invoke(b"poison")

    failure = endpoint.failure(response)

    assert failure["Body"] == b"poisoned record"
    assert failure["ContentType"] == "text/csv; charset=utf-8"
    reason = endpoint.error.message()["failureReason"]
    assert reason == f"ClientError: Received client error (400) from model. {SEE_LOGS}"
    assert endpoint.around.read(response["OutputLocation"]) is None


def test_a_model_that_takes_too_long_is_a_failure_without_a_status(endpoint: AsyncEndpoint):
    response = endpoint.invoke(b"sleep 3", InvocationTimeoutSeconds=1)

    assert b"Your invocation timed out" in endpoint.failure(response)["Body"]
    reason = endpoint.error.message()["failureReason"]
    assert reason == f"ClientError: Received server error (0) from model. {SEE_LOGS}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"no-length", b"did not specify the required Content-Length header"),
        (b"long-headers", b"headers with length greater than 4096 bytes"),
    ],
)
def test_an_answer_against_the_rules_is_a_failure(
    shared_endpoint: AsyncEndpoint, body: bytes, text: bytes
):
    assert text in shared_endpoint.failure(shared_endpoint.invoke(body))["Body"]


def test_a_missing_input_object_is_a_failure(endpoint: AsyncEndpoint):
    response = endpoint.invoke(InputLocation=f"s3://{BUCKET}/not/there")

    assert b"s3://lab/not/there" in endpoint.failure(response)["Body"]
    assert "Failed to download" in endpoint.error.message()["failureReason"]
    assert endpoint.stats()["model_invocations"] == 0


def test_an_output_that_can_not_be_written_is_a_failure(lab: Lab):
    endpoint = lab.async_endpoint(S3OutputPath="s3://no-such-bucket/output")

    endpoint.invoke(b"a")

    assert "Failed to upload" in endpoint.error.message()["failureReason"]


def test_large_payloads_pass_through_unharmed(shared_endpoint: AsyncEndpoint):
    size = 9 * 1024 * 1024  # above what stays in memory, below what the test would notice
    location = shared_endpoint.around.put("in/large", b"y" * size)

    echoed = shared_endpoint.output(shared_endpoint.invoke(InputLocation=location))

    assert len(echoed["Body"]) == len("echo:") + size + 1


def test_a_request_expires_in_the_queue_and_never_reaches_the_model(lab: Lab):
    endpoint = lab.async_endpoint(max_concurrent=1)
    endpoint.invoke(b"sleep 1")
    eventually(lambda: endpoint.stats()["model_invocations"] == 1)
    waiting = endpoint.invoke(b"late", RequestTTLSeconds=60)
    patient = endpoint.invoke(b"patient", RequestTTLSeconds=120)

    lab.server.local("POST", "clock", {"advance_seconds": 61})

    assert b"expired" in endpoint.failure(waiting)["Body"]
    assert endpoint.error.message()["inferenceId"] == waiting["InferenceId"]
    assert endpoint.output(patient)["Body"] == b"echo:patient\n"
    stats = endpoint.stats()
    assert (stats["expired"], stats["model_invocations"]) == (1, 2)


def test_no_more_requests_run_at_once_than_the_endpoint_allows(lab: Lab):
    endpoint = lab.async_endpoint(max_concurrent=2)

    responses = [endpoint.invoke(b"most-running 0.1") for _ in range(6)]

    assert max(int(endpoint.output(response)["Body"]) for response in responses) == 2


def test_several_instances_share_the_work(shared_endpoint: AsyncEndpoint):
    responses = [shared_endpoint.invoke(b"pid 0.2") for _ in range(8)]

    assert len({shared_endpoint.output(response)["Body"] for response in responses}) == 2


def test_the_same_inference_id_twice_runs_twice(endpoint: AsyncEndpoint):
    first, second = (endpoint.invoke(b"a", InferenceId="twice") for _ in range(2))

    assert first["OutputLocation"] != second["OutputLocation"]
    assert [message["inferenceId"] for message in endpoint.success.wait_for(2)] == ["twice"] * 2


def test_outputs_are_encrypted_with_the_configured_key(lab: Lab):
    endpoint = lab.async_endpoint(KmsKeyId="alias/outputs")

    assert endpoint.output(endpoint.invoke(b"a"))["SSEKMSKeyId"] == "alias/outputs"
