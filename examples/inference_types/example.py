"""What an example consists of, and how it is run."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from examples.local_endpoint import client, image_url, wait_until_in_service
from penstock.domain.identity import job_id_of

Stack = Mapping[str, str]
"""The contents of .penstock/local.json."""

LOCAL = Path(".penstock/local.json")
IMAGE = Path(__file__).parent / "image"
ROLE = "arn:aws:iam::000000000000:role/endpoint"
INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
PATIENCE = 120.0


@dataclass(frozen=True)
class File:
    """What is dropped, and the lines that must come of it."""

    body: bytes
    expected: list[str]


@dataclass(frozen=True)
class Example:
    """One inference type: an endpoint, a pipeline, a file, and what must come out.

    `key` lies below a prefix with the example's name, where the pipeline file is put. `file` makes
    a file of any number of records; the example's own has `records`.
    """

    name: str
    about: str
    create: Callable[[Stack], None]
    pipeline: str
    key: str
    records: int
    file: Callable[[int], File]

    @cached_property
    def own(self) -> File:
        return self.file(self.records)

    @property
    def body(self) -> bytes:
        return self.own.body

    @property
    def expected(self) -> list[str]:
        return self.own.expected


@dataclass(frozen=True)
class Finished:
    """What a job has left behind."""

    lines: list[str]
    manifest: dict[str, Any]


def local_stack() -> Stack:
    """Of `penstock local up`, in this folder. Ends the program where there is none."""
    if not LOCAL.exists():
        print("no local stack here: run `penstock local up` first", file=sys.stderr)
        sys.exit(2)
    return dict(json.loads(LOCAL.read_text()))


def create(stack: Stack, example: Example) -> None:
    """What the example needs, unless an earlier run has created it."""
    try:
        example.create(stack)
    except ClientError as error:
        if "existing" not in str(error) and "already exist" not in str(error):
            raise
        print("(its model or endpoint is there already)")


def run(stack: Stack, example: Example) -> Finished:
    """Configures, drops, waits. The endpoint must be there."""
    s3, bucket = client(stack, "s3"), stack["input_bucket"]
    key = f"{example.name}/{example.key}"
    pipeline = f"{example.name}/_pipeline.yaml"
    s3.put_object(Bucket=bucket, Key=pipeline, Body=example.pipeline.encode())
    version = s3.put_object(Bucket=bucket, Key=key, Body=example.body)["VersionId"]
    manifest = _wait_for(stack, f"{key}.manifest.json", job_id_of(bucket, key, version))
    output = _read(stack, f"{key}.out") if manifest["outputs"] else b""
    return Finished(output.decode().splitlines(), manifest)


def _wait_for(stack: Stack, key: str, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = _read(stack, key)
        if found and json.loads(found)["job_id"] == job_id:
            return dict(json.loads(found))
        time.sleep(0.2)
    raise RuntimeError(f"{key} was not there after {PATIENCE:g} s")


def _read(stack: Stack, key: str) -> bytes:
    s3 = client(stack, "s3")
    try:
        return bytes(s3.get_object(Bucket=stack["output_bucket"], Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return b""


def create_model(stack: Stack, name: str, *containers: dict[str, Any], **how: Any) -> None:
    """A model of one container or several, each of the linear image unless it says otherwise."""
    known = [{"Image": image_url(IMAGE), **container} for container in containers]
    whole = {"PrimaryContainer": known[0]} if len(known) == 1 else {"Containers": known}
    sagemaker = client(stack, "sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **whole, **how)


def create_endpoint(stack: Stack, name: str, *variants: dict[str, Any], **how: Any) -> None:
    """An endpoint in service; its variants are on one instance each unless they say otherwise."""
    sagemaker = client(stack, "sagemaker")
    known = [
        {"VariantName": "main", **({} if "ServerlessConfig" in each else INSTANCE), **each}
        for each in variants
    ]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=known, **how)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    wait_until_in_service(sagemaker, name)


def rows(count: int) -> list[list[float]]:
    """Numbers, always the same."""
    return [[float(number), float(number * number % 97)] for number in range(count)]


def csv_of(model: Callable[[list[float]], str]) -> Callable[[int], File]:
    """Makes files of so many rows for a model."""

    def make(count: int) -> File:
        table = rows(count)
        lines = [",".join(f"{cell:.10g}" for cell in row) + "\n" for row in table]
        return File("".join(lines).encode(), [model(row) for row in table])

    return make
