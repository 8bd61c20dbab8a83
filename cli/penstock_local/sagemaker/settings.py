import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_local.sagemaker.limits import LimitError, Limits, changed, parse_setting
from penstock_local.sagemaker.resources import STARTUP_TIMEOUT_SECONDS

_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    port: int
    port_file: Path | None
    aws_endpoint_url: str
    state_folder: Path
    region: str
    startup_seconds: float
    ping_seconds: float
    stop_seconds: float
    limits: Limits
    seed: int


def parse_arguments(arguments: list[str] | None = None) -> Settings:
    given = _parser().parse_args(arguments)
    return Settings(
        port=given.port,
        port_file=given.port_file,
        aws_endpoint_url=given.aws_endpoint_url,
        state_folder=given.state_dir.absolute(),
        region=given.region,
        startup_seconds=given.startup_seconds,
        ping_seconds=given.ping_seconds,
        stop_seconds=given.stop_seconds,
        limits=_limits(given.limit),
        seed=given.seed,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m penstock_local.sagemaker", description="The local SageMaker."
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="0, the default, takes a free one")
    add("--port-file", type=Path, help="gets 127.0.0.1:<port> when the server is ready")
    # Required: without it boto3 would take the real S3 and SNS.
    add("--aws-endpoint-url", required=True, help="where S3 and SNS are")
    add("--state-dir", type=Path, required=True, help="resources, model data and logs")
    add("--region", default=_region(), help="default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1")
    add(
        "--startup-seconds",
        type=float,
        default=float(STARTUP_TIMEOUT_SECONDS),
        help="a limit on the time that any model server gets to answer its first /ping",
    )
    add("--ping-seconds", type=float, default=5.0, help="between two /pings in service")
    add("--stop-seconds", type=float, default=30.0, help="from SIGTERM to SIGKILL")
    add("--seed", type=int, default=0, help="of the choice between the variants of an endpoint")
    add("--limit", action="append", default=[], type=_limit, metavar="NAME=NUMBER")
    return parser


def _limit(setting: str) -> dict[str, Any]:
    try:
        changed(Limits(), parsed := parse_setting(setting))
    except LimitError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return parsed


def _limits(given: list[dict[str, Any]]) -> Limits:
    limits = Limits()
    for document in given:
        limits = changed(limits, document)
    return limits


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _DEFAULT_REGION
