"""Where the local stack keeps its files. Everything but the environments is below `state_dir`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    root: Path
    state_dir: Path

    @property
    def local_json(self) -> Path:
        return self.state_dir / "local.json"

    @property
    def lock(self) -> Path:
        return self.state_dir / "run" / "lock"

    @property
    def sagemaker_port(self) -> Path:
        return self.state_dir / "run" / "sagemaker.port"

    @property
    def sam(self) -> Path:
        return self.state_dir / "sam"

    @property
    def temporary(self) -> Path:
        """MiniStack unpacks a copy of the code and its layers here for every Lambda worker."""
        return self.state_dir / "tmp"

    def program(self, name: str) -> Path:
        return self.state_dir / "run" / f"{name}.json"

    def log(self, name: str) -> Path:
        return self.state_dir / "logs" / f"{name}.log"

    def stamp(self, name: str) -> Path:
        """Holds the fingerprint of what a step last completed with."""
        return self.state_dir / "run" / f"{name}.sha256"


def project_layout(root: Path = PROJECT_ROOT) -> Layout:
    return Layout(root, root / ".penstock")
