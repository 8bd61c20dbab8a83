"""What the use cases need of Batch Transform. Beside `ports.py`, for its length only."""

from dataclasses import dataclass
from typing import Protocol

from penstock.domain.invoke import Invoke
from penstock.domain.transform_job import Report


@dataclass(frozen=True, slots=True)
class TransformRequest:
    """One CreateTransformJob call; `manifest` and `output` are locations in S3."""

    name: str
    invoke: Invoke
    content_type: str
    accept: str
    timeout: int
    manifest: str
    output: str


class Transforms(Protocol):
    """Batch Transform."""

    def create(self, request: TransformRequest) -> None:
        """Nothing happens if there is a job of that name. Raises CreationError."""

    def describe(self, name: str) -> Report | None:
        """None if SageMaker knows no such job."""

    def stop(self, name: str) -> None:
        """Nothing happens to a job that has ended, is being stopped or never was."""
