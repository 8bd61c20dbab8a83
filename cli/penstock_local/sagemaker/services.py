"""What the parts of one running server share."""

from dataclasses import dataclass
from pathlib import Path

import aiohttp

from penstock_local.sagemaker.aws import Aws
from penstock_local.sagemaker.clock import Clock
from penstock_local.sagemaker.faults import FaultBook
from penstock_local.sagemaker.limits import LimitBook
from penstock_local.sagemaker.model_server import Supervision
from penstock_local.sagemaker.publisher import Publisher
from penstock_local.sagemaker.stats import Stats


@dataclass(frozen=True)
class Services:
    region: str
    seed: int
    state_folder: Path
    maximum_startup_seconds: float
    session: aiohttp.ClientSession
    aws: Aws
    clock: Clock
    faults: FaultBook
    limits: LimitBook
    publisher: Publisher
    stats: Stats
    supervision: Supervision
