"""How a model is run over whole files: the part of CreateTransformJob that a pipeline decides."""

from dataclasses import dataclass, field
from typing import Any, Literal

Strategy = Literal["MultiRecord", "SingleRecord"]

LARGEST_TRANSFORM_MB = 100
"""Of a request, and of all requests that an instance has at a time (API, `MaxPayloadInMB`)."""

USUAL_TRANSFORM_MB = 6
MEGABYTE = 1024**2
"""What SageMaker counts `MaxPayloadInMB` in."""


@dataclass(frozen=True, slots=True)
class DataCapture:
    """Where SageMaker keeps a copy of what goes in and out."""

    destination: str
    kms_key: str | None = None
    generate_inference_id: bool = False


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a transform job is noted under in SageMaker Experiments."""

    name: str | None = None
    trial: str | None = None
    trial_component: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """The fields of a transform job; None leaves the choice to SageMaker.

    `max_payload` is MaxPayloadInMB; 0 sends requests in chunks of HTTP, of any length.
    """

    model: str
    instance_type: str
    instance_count: int = 1
    strategy: Strategy | None = None
    max_concurrent_transforms: int | None = None
    max_payload: int = USUAL_TRANSFORM_MB
    max_retries: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    input_filter: str | None = None
    output_filter: str | None = None
    join_source: bool = False
    compression: bool = False
    output_kms_key: str | None = None
    volume_kms_key: str | None = None
    transform_ami_version: str | None = None
    data_capture: DataCapture | None = None
    experiment: Experiment | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def by_line(self) -> bool:
        """Whether SageMaker has to know what a record is: it does, where it treats each by itself.

        Else an object is one request, and what is in it is ours to decide.
        """
        processed = self.input_filter or self.output_filter or self.join_source
        return bool(self.strategy or processed)

    @property
    def largest_payload(self) -> int | None:
        """Bytes of a request; None for no limit."""
        return self.max_payload * MEGABYTE or None

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Transform":
        """The inverse of `asdict`, through JSON."""
        capture, experiment = document["data_capture"], document["experiment"]
        return cls(
            **document
            | {
                "data_capture": DataCapture(**capture) if capture else None,
                "experiment": Experiment(**experiment) if experiment else None,
            }
        )
