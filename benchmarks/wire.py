"""What an AWS request is, told from the outside; and what DynamoDB bills for it. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

KB = 1024
READ_UNIT = 4 * KB

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_S3_OPERATIONS = {
    ("GET", "object"): "GetObject",
    ("GET", "uploadId"): "ListParts",
    ("GET", "bucket"): "ListObjects",
    ("HEAD", "object"): "HeadObject",
    ("PUT", "object"): "PutObject",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}


@dataclass(frozen=True, order=True)
class Operation:
    """`service` is the name that requests are signed for."""

    service: str
    name: str


def operation_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Operation:
    """`target` is path and query; `headers` are found under their names in lower case."""
    scope = _SCOPE.search(headers.get("authorization", ""))
    service = scope[1] if scope else "unsigned"
    if "x-amz-target" in headers:
        return Operation(service, headers["x-amz-target"].rpartition(".")[2])
    if service == "s3":
        return Operation(service, _s3_operation(method, target, headers))
    if "/async-invocations" in target:
        return Operation(service, "InvokeEndpointAsync")
    if urlsplit(target).path.endswith("/invocations"):
        return Operation(service, "InvokeEndpoint")
    action = parse_qs(body.decode("utf-8", "replace")).get("Action", ["unknown"])
    return Operation(service, action[0])


def _s3_operation(method: str, target: str, headers: Mapping[str, str]) -> str:
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    of_upload = [name for name in ("uploadId", "uploads") if name in query]
    kind = [*of_upload, "object" if "/" in url.path.strip("/") else "bucket"][0]
    name = _S3_OPERATIONS.get((method, kind), f"{method} {kind}")
    return "UploadPartCopy" if name == "UploadPart" and "x-amz-copy-source" in headers else name


def sqs_requests(body: bytes) -> int:
    """SQS bills each 64 KB of a call as a request."""
    return max(1, -(-len(body) // (64 * KB)))


def write_units(item_bytes: int) -> int:
    return max(1, -(-item_bytes // KB))


def read_units(read_bytes: int, *, consistent: bool) -> float:
    """Of one GetItem or one page of a Query; a read that finds nothing counts as well."""
    return max(1, -(-read_bytes // READ_UNIT)) / (1 if consistent else 2)


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """As DynamoDB counts (Developer Guide, "DynamoDB item sizes and formats"), upper bound."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "NS":
            return sum(_number_bytes(each) for each in content)
        case "BOOL" | "NULL":
            return 1
    return len(json.dumps(content))


def _number_bytes(text: str) -> int:
    """A byte for two significant digits, and one more; for the odd digit another, to be safe."""
    digits = len(re.sub(r"[^0-9]", "", text).strip("0"))
    return (digits + 1) // 2 + 1 + text.startswith("-")


def key_of(key: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]
