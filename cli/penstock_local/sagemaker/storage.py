"""The state that outlives the server: one JSON file."""

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model


class Storage:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "resources.json"

    def load(self) -> tuple[list[Model], list[EndpointConfig], list[Endpoint]]:
        if not self._file.exists():
            return [], [], []
        state = json.loads(self._file.read_text())
        return (
            [Model(**item) for item in state["models"]],
            [EndpointConfig(**item) for item in state["configs"]],
            [_endpoint(item) for item in state["endpoints"]],
        )

    def save(
        self, models: list[Model], configs: list[EndpointConfig], endpoints: list[Endpoint]
    ) -> None:
        state = {
            "models": [asdict(model) for model in models],
            "configs": [asdict(config) for config in configs],
            "endpoints": [asdict(endpoint) for endpoint in endpoints],
        }
        # Written beside and renamed: a kill in between leaves the old state, not half of a new one.
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(state, indent=1))
        beside.replace(self._file)


def _endpoint(item: dict[str, Any]) -> Endpoint:
    return Endpoint(
        **{
            **item,
            "config": EndpointConfig(**item["config"]),
            "models": {name: Model(**model) for name, model in item["models"].items()},
        }
    )


def lock(folder: Path) -> int:
    """Takes the folder for this process; raises BlockingIOError if another server has it."""
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
