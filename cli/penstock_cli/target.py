"""Which stack a command works on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from penstock_cli.errors import WrongUsageError

LOCAL_FILE = Path(".penstock") / "local.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was typed. `profile` and `region` narrow a stack on AWS."""

    stack: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A stack and how to reach it. Without an endpoint it is on AWS.

    Only a local one has a SageMaker at an address of its own.
    """

    stack: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    outputs: Mapping[str, str] | None = None
    sagemaker_url: str | None = None


def choose_target(choice: Choice, directory: Path) -> Target:
    """A named stack on AWS, else the local one of the directory or of a parent.

    Raises:
        WrongUsageError: there is neither.
    """
    if choice.stack:
        return Target(choice.stack, choice.region, choice.profile)
    if choice.region or choice.profile:
        message = "--region and --profile need --stack NAME: the local stack has neither"
        raise WrongUsageError("NoStack", message)
    path = _nearest(directory)
    if path is None:
        message = (
            "no local stack here (start one with `penstock local up`) "
            "and no --stack NAME of a deployed one"
        )
        raise WrongUsageError("NoStack", message)
    return local_target(path)


def _nearest(directory: Path) -> Path | None:
    candidates = (each / LOCAL_FILE for each in (directory, *directory.parents))
    return next((path for path in candidates if path.is_file()), None)


def local_target(path: Path) -> Target:
    """The stack that a local.json describes.

    Raises:
        WrongUsageError: the file is damaged.
    """
    try:
        return _target_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} is damaged ({error!r}); run `penstock local up` again"
        raise WrongUsageError("DamagedLocalFile", message) from error


def _target_of(document: dict[str, Any]) -> Target:
    address = urlsplit(document["aws_endpoint_url"])
    if not (address.hostname and address.port):
        raise ValueError(f"no address: {document['aws_endpoint_url']!r}")
    return Target(
        stack=document["stack_name"],
        region=document["region"],
        endpoint_url=document["aws_endpoint_url"],
        access_key=document["aws_access_key_id"],
        secret_key=document["aws_secret_access_key"],
        outputs=document.get("outputs"),
        sagemaker_url=document.get("sagemaker_endpoint_url"),
    )
