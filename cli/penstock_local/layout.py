"""Where the local stack keeps its files: below `state_dir`, but for builds and environments."""

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
    def builds(self) -> Path:
        """Shared by all stacks of the project: what was built is a matter of the sources only."""
        return self.root / ".penstock" / "builds"

    @property
    def sam(self) -> Path:
        return self.state_dir / "sam"

    @property
    def temporary(self) -> Path:
        """MiniStack unpacks a copy of the code and its layers here for every Lambda worker."""
        return self.state_dir / "tmp"

    @property
    def permissions(self) -> Path:
        """What the functions were allowed, if that is recorded."""
        return self.state_dir / "logs" / "permissions.jsonl"

    def program(self, name: str) -> Path:
        return self.state_dir / "run" / f"{name}.json"

    def log(self, name: str) -> Path:
        return self.state_dir / "logs" / f"{name}.log"

    def stamp(self, name: str) -> Path:
        """Holds the fingerprint of what a step last completed with."""
        return self.state_dir / "run" / f"{name.replace(' ', '-')}.sha256"


def project_layout(root: Path = PROJECT_ROOT) -> Layout:
    return Layout(root, root / ".penstock")
