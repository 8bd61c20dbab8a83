import socket
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from penstock.domain.errors import PermanentError
from penstock_cli.aws import SINGLE_PUT, client_maker, connect, stack_outputs, upload
from penstock_cli.errors import WrongUsageError
from penstock_cli.stack import Stack
from penstock_cli.target import Target

OUTPUTS = {
    "InputBucketName": "in",
    "OutputBucketName": "out",
    "TableName": "jobs",
    "SplitQueueUrl": "https://queue",
}


@pytest.fixture
def cloudformation():
    client = boto3.client("cloudformation")
    with Stubber(client) as stubber:
        yield client, stubber


def described(outputs: dict[str, str]) -> dict[str, Any]:
    stack = {"StackName": "demo", "StackStatus": "CREATE_COMPLETE", "CreationTime": "2026-01-01"}
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"Stacks": [stack | {"Outputs": listed}]}


def test_the_outputs_of_a_stack_are_read_from_cloudformation(cloudformation):
    client, stubber = cloudformation
    stubber.add_response("describe_stacks", described(OUTPUTS), {"StackName": "demo"})

    assert Stack.of("demo", stack_outputs(client, "demo")) == Stack("demo", "in", "out", "jobs")


def test_a_stack_that_does_not_exist_is_a_usage_error_that_names_the_region(cloudformation):
    client, stubber = cloudformation
    stubber.add_client_error(
        "describe_stacks", "ValidationError", "Stack with id demo does not exist", 400
    )

    with pytest.raises(WrongUsageError, match="no stack demo in eu-central-1; check --stack"):
        stack_outputs(client, "demo")


def test_being_denied_is_not_mistaken_for_a_missing_stack(cloudformation):
    client, stubber = cloudformation
    stubber.add_client_error("describe_stacks", "AccessDenied", "no", 403)

    with pytest.raises(PermanentError, match="AccessDenied") as caught:
        stack_outputs(client, "demo")
    assert not isinstance(caught.value, WrongUsageError)


def test_a_stack_of_another_template_is_refused():
    with pytest.raises(WrongUsageError, match="no output OutputBucketName, TableName"):
        Stack.of("website", {"InputBucketName": "in"})


def test_outputs_that_are_known_spare_the_call_to_cloudformation():
    connection = connect(Target("demo", "us-east-1", outputs=OUTPUTS))

    assert connection.stack.table == "jobs"
    assert connection.s3.meta.region_name == "us-east-1"


def test_a_local_stack_that_is_down_is_told_at_once(socket_enabled):
    del socket_enabled
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(WrongUsageError, match="does not answer; start it with `penstock local"):
            connect(Target("demo", "us-east-1", endpoint_url=endpoint, outputs=OUTPUTS))


def test_a_local_stack_is_reached_with_its_own_credentials_and_path_style_addresses():
    target = Target(
        "demo", "us-east-1", None, "http://127.0.0.1:1", access_key="0" * 12, secret_key="s"
    )

    s3 = client_maker(target)("s3")

    assert s3.meta.endpoint_url == "http://127.0.0.1:1"
    url = s3.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    assert url.startswith("http://127.0.0.1:1/b/k?")
    assert "000000000000" in url


def test_missing_credentials_are_a_usage_error_with_a_remedy(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(WrongUsageError, match="aws configure"):
        client_maker(Target("demo"))


def test_an_unknown_profile_is_a_usage_error():
    with pytest.raises(WrongUsageError, match="nobody"):
        client_maker(Target("demo", profile="nobody"))


def test_a_missing_region_is_a_usage_error(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(WrongUsageError, match="--region"):
        client_maker(Target("demo"))


def test_a_large_file_goes_up_in_parts_and_its_version_is_known(world, tmp_path):
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * (SINGLE_PUT + 1))
    sent: list[int] = []

    version = upload(world.s3, large, ("inputs", "large.csv"), sent.append)

    head = world.s3.head_object(Bucket="inputs", Key="large.csv")
    assert version == head["VersionId"]
    assert head["ETag"].strip('"').endswith("-2")
    assert sum(sent) == SINGLE_PUT + 1


def test_a_failed_upload_in_parts_is_one_of_our_errors(world, tmp_path):
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * (SINGLE_PUT + 1))

    with pytest.raises(PermanentError, match="NoSuchBucket"):
        upload(world.s3, large, ("elsewhere", "large.csv"), lambda _: None)
