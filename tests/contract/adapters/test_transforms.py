"""Transforms: the fake and the adapter, over SageMaker's own model of its calls."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from penstock.adapters.transforms import Pace, SageMakerTransforms
from penstock.domain.errors import RetryableError
from penstock.domain.invoke import Invoke
from penstock.domain.transform import DataCapture, Experiment, Transform
from penstock.domain.transform_job import Report, Status
from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import Kind
from penstock.ports_transform import TransformRequest, Transforms
from penstock.testing import FakeTransforms
from tests.moto_stack import client

NAME = "penstock-0123456789abcdef0123-0-0"
AT_ONCE = Pace(sleep=lambda _seconds: None)


def request_of(transform: Transform) -> TransformRequest:
    return TransformRequest(
        name=NAME,
        invoke=Invoke("", mode="transform", transform=transform),
        content_type="text/csv",
        accept="application/jsonlines",
        timeout=600,
        manifest="s3://work/transform/x/jobs/0-0.json",
        output="s3://work/transform/x/out/0-0/",
    )


PLAIN = request_of(Transform("churn", "ml.m5.large"))


@pytest.fixture(params=["fake", "aws"])
def transforms(request: pytest.FixtureRequest) -> Transforms:
    if request.param == "fake":
        return FakeTransforms()
    request.getfixturevalue("stack")
    return SageMakerTransforms(client("sagemaker"), AT_ONCE)


def test_a_job_is_created_once_and_described(transforms: Transforms) -> None:
    transforms.create(PLAIN)
    transforms.create(PLAIN)

    report = transforms.describe(NAME)
    assert report is not None
    assert report.status in set(Status)


def test_a_job_that_there_is_not_is_none(transforms: Transforms) -> None:
    assert transforms.describe(NAME) is None


@pytest.fixture
def stubbed() -> Iterator[tuple[SageMakerTransforms, Stubber]]:
    sagemaker = boto3.client("sagemaker")
    with Stubber(sagemaker) as stubber:
        yield SageMakerTransforms(sagemaker, AT_ONCE), stubber


ARN = {"TransformJobArn": "arn:aws:sagemaker:us-east-1:123456789012:transform-job/x"}


def test_a_plain_job_has_one_request_for_each_object(
    stubbed: tuple[SageMakerTransforms, Stubber],
) -> None:
    transforms, stubber = stubbed
    expected: dict[str, Any] = {
        "TransformJobName": NAME,
        "ModelName": "churn",
        "MaxPayloadInMB": 6,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 600},
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": PLAIN.manifest}},
            "ContentType": "text/csv",
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": PLAIN.output,
            "Accept": "application/jsonlines",
            "AssembleWith": "None",
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    stubber.add_response("create_transform_job", ARN, expected)

    transforms.create(PLAIN)

    stubber.assert_no_pending_responses()


def test_every_field_reaches_sagemaker(stubbed: tuple[SageMakerTransforms, Stubber]) -> None:
    transforms, stubber = stubbed
    full = Transform(
        "churn",
        "ml.m5.large",
        instance_count=3,
        strategy="SingleRecord",
        max_concurrent_transforms=2,
        max_payload=50,
        max_retries=1,
        environment={"A": "b"},
        input_filter="$[1:]",
        output_filter="$[0]",
        join_source=True,
        compression=True,
        output_kms_key="out",
        volume_kms_key="disk",
        transform_ami_version="al2-ami-sagemaker-batch-gpu-535",
        data_capture=DataCapture("s3://logs/x", "key", generate_inference_id=True),
        experiment=Experiment("e", "t", "c", "r"),
        tags={"team": "churn"},
    )
    expected = {
        "TransformJobName": NAME,
        "ModelName": "churn",
        "MaxConcurrentTransforms": 2,
        "MaxPayloadInMB": 50,
        "BatchStrategy": "SingleRecord",
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 600, "InvocationsMaxRetries": 1},
        "Environment": {"A": "b"},
        "TransformInput": {
            "DataSource": ANY,
            "ContentType": "text/csv",
            "CompressionType": "Gzip",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": PLAIN.output,
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
            "KmsKeyId": "out",
        },
        "TransformResources": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 3,
            "VolumeKmsKeyId": "disk",
            "TransformAmiVersion": "al2-ami-sagemaker-batch-gpu-535",
        },
        "DataProcessing": {
            "InputFilter": "$[1:]",
            "OutputFilter": "$[0]",
            "JoinSource": "Input",
        },
        "DataCaptureConfig": {
            "DestinationS3Uri": "s3://logs/x",
            "KmsKeyId": "key",
            "GenerateInferenceId": True,
        },
        "ExperimentConfig": {
            "ExperimentName": "e",
            "TrialName": "t",
            "TrialComponentDisplayName": "c",
            "RunName": "r",
        },
        "Tags": [{"Key": "team", "Value": "churn"}],
    }
    stubber.add_response("create_transform_job", ARN, expected)

    transforms.create(request_of(full))

    stubber.assert_no_pending_responses()


def test_a_name_that_is_taken_was_ours(stubbed: tuple[SageMakerTransforms, Stubber]) -> None:
    transforms, stubber = stubbed
    stubber.add_client_error("create_transform_job", "ResourceInUse", http_status_code=400)

    transforms.create(PLAIN)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ResourceLimitExceeded", 400, Kind.UNAVAILABLE),
        ("ThrottlingException", 400, Kind.UNAVAILABLE),
        ("ValidationException", 400, Kind.PERMANENT),
        ("AccessDeniedException", 400, Kind.PERMANENT),
        ("InternalFailure", 500, Kind.RETRYABLE),
    ],
)
def test_a_refusal_comes_in_one_of_our_kinds(
    stubbed: tuple[SageMakerTransforms, Stubber], code: str, status: int, kind: Kind
) -> None:
    transforms, stubber = stubbed
    stubber.add_client_error("create_transform_job", code, "no", http_status_code=status)

    with pytest.raises(CreationError) as caught:
        transforms.create(PLAIN)

    assert (caught.value.trouble.kind, caught.value.code) == (kind, code)


def test_a_lost_connection_may_pass() -> None:
    class Gone:
        def create_transform_job(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://x")

    with pytest.raises(CreationError) as caught:
        SageMakerTransforms(Gone(), AT_ONCE).create(PLAIN)

    assert caught.value.trouble.kind is Kind.RETRYABLE


def test_an_end_is_described_with_reason_and_times(
    stubbed: tuple[SageMakerTransforms, Stubber],
) -> None:
    transforms, stubber = stubbed
    answer = {
        **ARN,
        "TransformJobName": NAME,
        "TransformJobStatus": "Failed",
        "FailureReason": "ClientError: x",
        "ModelName": "churn",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://a/b"}}
        },
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "TransformStartTime": datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
        "TransformEndTime": datetime(2026, 1, 1, 0, 9, tzinfo=UTC),
    }
    stubber.add_response("describe_transform_job", answer)

    report = transforms.describe(NAME)

    began = datetime(2026, 1, 1, 0, 5, tzinfo=UTC).timestamp()
    assert report == Report(Status.FAILED, None, "ClientError: x", began, began + 240)


def test_a_job_that_has_ended_is_not_stopped_and_that_is_fine(
    stubbed: tuple[SageMakerTransforms, Stubber],
) -> None:
    transforms, stubber = stubbed
    stubber.add_client_error("stop_transform_job", "ValidationException", http_status_code=400)

    transforms.stop(NAME)


def test_a_throttled_look_may_pass(stubbed: tuple[SageMakerTransforms, Stubber]) -> None:
    transforms, stubber = stubbed
    stubber.add_client_error("describe_transform_job", "ThrottlingException", http_status_code=400)

    with pytest.raises(RetryableError):
        transforms.describe(NAME)


def test_jobs_are_created_a_second_apart() -> None:
    slept: list[float] = []
    pace = Pace(sleep=slept.append)

    pace.wait()
    pace.wait()

    assert slept[0] == 0
    assert 0.9 < slept[1] <= 1.0
