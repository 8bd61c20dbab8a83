"""local.json: how anything that speaks AWS finds the local stack."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock_local import aws

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Description:
    aws_endpoint_url: str
    sagemaker_endpoint_url: str
    stack_name: str
    endpoint_name: str
    outputs: Mapping[str, str]  # of the CloudFormation stack, under their names in the template

    def to_json(self) -> dict[str, str]:
        return {
            "aws_endpoint_url": self.aws_endpoint_url,
            "region": aws.REGION,
            "aws_access_key_id": aws.ACCESS_KEY_ID,
            "aws_secret_access_key": aws.SECRET_ACCESS_KEY,
            "sagemaker_endpoint_url": self.sagemaker_endpoint_url,
            "stack_name": self.stack_name,
            "endpoint_name": self.endpoint_name,
            **{json_key(name): value for name, value in self.outputs.items()},
        }


def json_key(output: str) -> str:
    """`InputBucketName` is `input_bucket`, `UploadQueueUrl` is `upload_queue_url`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).lower()
    return snake.removesuffix("_name")


def write(path: Path, document: Mapping[str, str]) -> None:
    """Readers see the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(document, indent=2) + "\n")
    unfinished.replace(path)


def read(path: Path) -> dict[str, str] | None:
    """None if there is no stack, or the file isn't one of ours."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and "stack_name" in document else None
