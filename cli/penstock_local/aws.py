"""Addresses and credentials of the local stack. They open nothing outside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-east-1"
ACCESS_KEY_ID = (
    "test"  # MiniStack's root user; the functions have roles, whose policies it enforces
)
SECRET_ACCESS_KEY = "test"  # noqa: S105 - not a secret
LOOPBACK = "127.0.0.1"


def environment(endpoint_url: str, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For a child process: nothing of the user's AWS setup, everything of the local one."""
    kept = {k: v for k, v in inherited.items() if not k.startswith(("AWS_", "SAM_"))}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    direct = ",".join(filter(None, [inherited.get("NO_PROXY"), LOOPBACK, "localhost"]))
    return {
        **kept,
        **nowhere,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def client(service: str, endpoint_url: str) -> Any:
    """A boto3 client that ignores the user's profile, settings and proxies."""
    session = boto3.Session(
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        region_name=REGION,
    )
    config = Config(proxies={}, connect_timeout=2, retries={"total_max_attempts": 2})
    # The type stubs have one overload for each service's name.
    return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]
