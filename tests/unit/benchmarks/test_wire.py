"""Requests are told apart, and units counted, as AWS does it."""

import pytest

from benchmarks.wire import (
    Operation,
    item_bytes,
    operation_of,
    read_units,
    sqs_requests,
    write_units,
)


def signed_for(service: str) -> dict[str, str]:
    scope = f"Credential=ASIA1/20261122/us-east-1/{service}/aws4_request"
    return {"authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}


@pytest.mark.parametrize(
    ("method", "target", "name"),
    [
        ("GET", "/bucket/a/key", "GetObject"),
        ("GET", "/bucket/key?versionId=1", "GetObject"),
        ("GET", "/bucket?list-type=2", "ListObjects"),
        ("PUT", "/bucket/key", "PutObject"),
        ("POST", "/bucket/key?uploads", "CreateMultipartUpload"),
        ("PUT", "/bucket/key?uploadId=u&partNumber=1", "UploadPart"),
        ("POST", "/bucket/key?uploadId=u", "CompleteMultipartUpload"),
        ("DELETE", "/bucket/key?uploadId=u", "AbortMultipartUpload"),
    ],
)
def test_an_s3_request_is_told_by_its_method_and_query(method: str, target: str, name: str) -> None:
    assert operation_of(method, target, signed_for("s3"), b"") == Operation("s3", name)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/endpoints/a/async-invocations", "InvokeEndpointAsync"),
        ("/endpoints/a/invocations", "InvokeEndpoint"),
    ],
)
def test_a_call_of_an_endpoint_is_told_by_its_path(target: str, name: str) -> None:
    assert operation_of("POST", target, signed_for("sagemaker"), b"").name == name


def test_a_part_with_a_source_is_a_copy() -> None:
    headers = signed_for("s3") | {"x-amz-copy-source": "work/key"}
    target = "/bucket/key?uploadId=u&partNumber=1"
    assert operation_of("PUT", target, headers, b"").name == "UploadPartCopy"


def test_a_json_service_names_its_operation_in_a_header() -> None:
    headers = signed_for("dynamodb") | {"x-amz-target": "DynamoDB_20120810.UpdateItem"}
    assert operation_of("POST", "/", headers, b"{}") == Operation("dynamodb", "UpdateItem")


def test_a_query_service_names_its_operation_in_the_body() -> None:
    body = b"Action=Publish&TopicArn=arn"
    assert operation_of("POST", "/", signed_for("sns"), body) == Operation("sns", "Publish")


def test_an_asynchronous_invocation_is_told_by_its_path() -> None:
    target = "/endpoints/demo/async-invocations"
    found = operation_of("POST", target, signed_for("sagemaker"), b"1,2,3")
    assert found == Operation("sagemaker", "InvokeEndpointAsync")


def test_an_items_size_is_its_names_and_its_values() -> None:
    assert item_bytes({"pk": {"S": "abc"}, "ünï": {"S": "é"}}) == 2 + 3 + 5 + 2


def test_a_number_takes_a_byte_for_two_digits_and_one_more() -> None:
    assert item_bytes({"n": {"N": "1234"}}) == 1 + 3
    assert item_bytes({"n": {"NS": ["1", "12", "123"]}}) == 1 + 2 + 2 + 3


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2)])
def test_a_write_unit_is_a_kilobyte(size: int, units: int) -> None:
    assert write_units(size) == units


def test_a_read_unit_is_four_kilobytes_and_half_as_much_when_not_consistent() -> None:
    assert read_units(0, consistent=True) == 1
    assert read_units(4097, consistent=True) == 2
    assert read_units(4096, consistent=False) == 0.5


def test_sqs_bills_each_64_kilobytes_of_a_call() -> None:
    assert [sqs_requests(b"x" * size) for size in (0, 65536, 65537)] == [1, 1, 2]
