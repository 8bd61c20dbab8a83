"""The way to AWS, or to the local stack that stands in for it."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from penstock.adapters.aws import translated
from penstock.domain.errors import PermanentError
from penstock_cli.errors import WrongUsageError
from penstock_cli.stack import Stack
from penstock_cli.target import Target

SINGLE_PUT = 8 * 1024**2
"""Larger files go up in parts, several at a time."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A stack and clients that reach it; `client` makes those of other services."""

    stack: Stack
    s3: Any
    dynamodb: Any
    client: Callable[[str], Any]


def connect(target: Target) -> Connection:
    """Finds the stack.

    Raises:
        WrongUsageError: no credentials, no such stack, or the local one doesn't answer.
    """
    if target.endpoint_url and not answers(target.endpoint_url):
        message = (
            f"the local stack at {target.endpoint_url} does not answer; "
            "start it with `penstock local up`"
        )
        raise WrongUsageError("LocalStackDown", message)
    make = client_maker(target)
    outputs = target.outputs or stack_outputs(make("cloudformation"), target.stack)
    return Connection(Stack.of(target.stack, outputs), make("s3"), make("dynamodb"), make)


def answers(endpoint_url: str) -> bool:
    """Whether something listens there: a look of a moment, instead of the SDK's retries."""
    parts = urlsplit(endpoint_url)
    address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def client_maker(target: Target) -> Callable[[str], Any]:
    """Makes clients by the name of the service.

    Raises:
        WrongUsageError: no credentials or no region are configured.
    """
    try:
        session = boto3.Session(
            profile_name=target.profile,
            region_name=target.region,
            aws_access_key_id=target.access_key,
            aws_secret_access_key=target.secret_key,
        )
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise WrongUsageError("BadCredentials", f"AWS credentials: {error}") from error
    if credentials is None:
        message = "no AWS credentials; run `aws configure` or `aws sso login`, or name a --profile"
        raise WrongUsageError("NoCredentials", message)
    if session.region_name is None:
        raise WrongUsageError("NoRegion", "no AWS region; give --region or AWS_DEFAULT_REGION")
    config = Config(
        retries={"mode": "standard"},
        # The name of a bucket in front of a local address would be a host that nobody knows.
        s3={"addressing_style": "path"} if target.endpoint_url else {},
    )

    def make(service: str) -> Any:
        of_sagemaker = service.startswith("sagemaker") and target.sagemaker_url
        return session.client(  # type: ignore[call-overload]  # the name is not a literal
            service, endpoint_url=of_sagemaker or target.endpoint_url, config=config
        )

    return make


def stack_outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """The outputs of a CloudFormation stack.

    Raises:
        WrongUsageError: there is no such stack.
    """
    try:
        with translated(f"stack {name}"):
            found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except PermanentError as error:
        if error.code != "ValidationError":
            raise
        region = cloudformation.meta.region_name
        message = f"no stack {name} in {region}; check --stack, --region and --profile"
        raise WrongUsageError("NoSuchStack", message) from error
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def upload(
    s3: Any, path: Path, destination: tuple[str, str], sent: Callable[[int], None]
) -> str | None:
    """Puts a file into (bucket, key); its version id, None where the bucket keeps no versions.

    `sent` is told how many more bytes have gone, for files larger than SINGLE_PUT.
    """
    bucket, key = destination
    with translated(f"s3://{bucket}/{key}"):
        if path.stat().st_size <= SINGLE_PUT:
            with path.open("rb") as body:
                answer = s3.put_object(Bucket=bucket, Key=key, Body=body)
        else:
            config = TransferConfig(multipart_threshold=SINGLE_PUT)
            _upload_file(s3, path, destination, {"Callback": sent, "Config": config})
            # upload_file keeps the answer to itself. Who overwrites the key in this very moment
            # gets followed in our stead; their job is the one whose output stays.
            answer = s3.head_object(Bucket=bucket, Key=key)
    version: str | None = answer.get("VersionId")
    return None if version == "null" else version  # while its versioning is suspended


def _upload_file(s3: Any, path: Path, destination: tuple[str, str], how: dict[str, Any]) -> None:
    try:
        s3.upload_file(str(path), *destination, **how)
    except S3UploadFailedError as error:
        raise PermanentError("UploadFailed", str(error)) from error
