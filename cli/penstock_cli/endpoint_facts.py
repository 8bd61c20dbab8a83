"""What is known of an endpoint, whoever it was asked of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MISSING = "Missing"
"""The status of an endpoint that there is not; the others are SageMaker's."""

UNKNOWN = "Unknown"
"""The status of an endpoint that the user may not look at."""


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """A production variant. Without a `model` it takes inference components."""

    name: str
    model: str | None = None
    serverless: bool = False
    accelerator: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model behind a variant; `containers` are host names, if given."""

    name: str
    role: str | None = None
    multi_model: bool = False
    direct: bool = False
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AsyncFacts:
    """AsyncInferenceConfig as far as it concerns a stack."""

    output_path: str | None = None
    failure_path: str | None = None
    success_topic: str | None = None
    error_topic: str | None = None


@dataclass(frozen=True, slots=True)
class ScalingFacts:
    """The least instances, and the metrics of the alarms behind step policies, if known."""

    minimum: int
    step_metrics: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """`unchecked` says what could not be asked, and why. Without variants nothing more is known.

    `denied` are actions with their resources that the execution role may not do; None if nobody
    could tell. `components` are those of the endpoint with their status; None likewise.
    """

    name: str
    status: str
    reason: str = ""
    variants: tuple[VariantFacts, ...] = ()
    model: ModelFacts | None = None
    asynchronous: AsyncFacts | None = None
    components: Mapping[str, str] | None = field(default_factory=dict)
    scaling: ScalingFacts | None = None
    denied: tuple[tuple[str, str], ...] | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def serverless(self) -> bool:
        return any(each.serverless for each in self.variants)

    @property
    def takes_components(self) -> bool:
        return all(each.model is None for each in self.variants)


@dataclass(frozen=True, slots=True)
class StackFacts:
    """What of a stack an endpoint must fit to: bucket, topics, and the names that may be called."""

    work_bucket: str
    success_topic: str
    error_topic: str
    endpoint_names: str

    @property
    def output_path(self) -> str:
        return f"s3://{self.work_bucket}/async/output"

    @property
    def failure_path(self) -> str:
        return f"s3://{self.work_bucket}/async/failure"

    @property
    def needs(self) -> list[tuple[str, str]]:
        """Actions of an asynchronous endpoint's role, and on what."""
        partition = self.success_topic.split(":")[1]
        folder = f"arn:{partition}:s3:::{self.work_bucket}/async"
        return [
            ("s3:GetObject", f"{folder}/input/x"),
            ("s3:PutObject", f"{folder}/output/x"),
            ("s3:PutObject", f"{folder}/failure/x"),
            ("sns:Publish", self.success_topic),
            ("sns:Publish", self.error_topic),
        ]
