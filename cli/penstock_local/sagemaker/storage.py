"""The state that outlives the server: one JSON file."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from penstock_local.sagemaker.components import Component
from penstock_local.sagemaker.resources import Endpoint, EndpointConfig, Model


@dataclass(frozen=True)
class State:
    models: list[Model] = field(default_factory=list)
    configs: list[EndpointConfig] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)


class Storage:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "resources.json"

    def load(self) -> State:
        if not self._file.exists():
            return State()
        state = json.loads(self._file.read_text())
        return State(
            models=[Model(**item) for item in state["models"]],
            configs=[EndpointConfig(**item) for item in state["configs"]],
            endpoints=[_endpoint(item) for item in state["endpoints"]],
            components=[_component(item) for item in state["components"]],
        )

    def save(self, state: State) -> None:
        # Written beside and renamed: a kill in between leaves the old state, not half of a new one.
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(asdict(state), indent=1))
        beside.replace(self._file)


def _endpoint(item: dict[str, Any]) -> Endpoint:
    return Endpoint(
        **{
            **item,
            "config": EndpointConfig(**item["config"]),
            "models": {name: Model(**model) for name, model in item["models"].items()},
        }
    )


def _component(item: dict[str, Any]) -> Component:
    return Component(**{**item, "model": Model(**item["model"])})


def lock(folder: Path) -> int:
    """Takes the folder for this process; raises BlockingIOError if another server has it."""
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
