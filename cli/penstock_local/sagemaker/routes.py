"""What answers one real-time request."""

from dataclasses import dataclass
from pathlib import Path

from penstock_local.sagemaker.pool import Capacity
from penstock_local.sagemaker.resources import Endpoint, Model


@dataclass(frozen=True)
class Route:
    endpoint: Endpoint
    variant: str
    model: Model
    capacity: Capacity
    log_file: Path
