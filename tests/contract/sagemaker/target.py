"""What the tests run against: the local SageMaker, or the service itself in somebody's account.

`pytest tests/contract/sagemaker --sagemaker aws` needs, besides credentials and a region:

    PENSTOCK_AWS_ROLE    the ARN of the models' execution role
    PENSTOCK_AWS_BUCKET  a bucket that the role may read and write
    PENSTOCK_AWS_IMAGE   the images of `images/`, with {name} in the place of the folder's name
"""

import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

SETTING = "PENSTOCK_SAGEMAKER"  # set by conftest.py before this module is imported
ON_AWS = os.environ.get(SETTING) == "aws"

_IMAGES = Path(__file__).parent / "images"
_IMAGE = os.environ["PENSTOCK_AWS_IMAGE"] if ON_AWS else f"file://{_IMAGES}/{{name}}"
BUCKET = os.environ["PENSTOCK_AWS_BUCKET"] if ON_AWS else "lab"
ROLE = os.environ["PENSTOCK_AWS_ROLE"] if ON_AWS else "arn:aws:iam::000000000000:role/endpoint"
ACCOUNT = ROLE.split(":")[4]
REGION = str(boto3.session.Session().region_name) if ON_AWS else "eu-west-1"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# An endpoint takes minutes there and a tenth of a second here.
_PATIENCE, _PAUSE_SECONDS = (120, 5.0) if ON_AWS else (1, 0.02)


def image(name: str) -> str:
    return _IMAGE.format(name=name)


IMAGE = image("behaviours")


def eventually(found: Callable[[], Any], timeout: float = 8.0) -> Any:
    """The first true value of `found()`; fails when there is none within the timeout."""
    deadline = time.monotonic() + timeout * _PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(_PAUSE_SECONDS)
    return value


def client(service: str, url: str | None, config: Config = ONE_ATTEMPT) -> Any:
    """`url` None: where boto3 finds the service by itself."""
    return session().client(service, endpoint_url=url, region_name=REGION, config=config)


@cache
def session() -> Any:
    """With the credentials of the developer on AWS, and those of nobody here.

    Any: mypy knows no client whose service is a variable.
    """
    if not ON_AWS:
        return boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")
    session = boto3.session.Session()
    # Now: while a test runs, its environment has only the credentials of nobody.
    assert session.get_credentials(), "no AWS credentials"
    return session
