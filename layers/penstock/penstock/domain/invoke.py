"""Which model answers, and how it is called: one of SageMaker's inference types."""

from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from penstock.domain.transform import Transform

Mode = Literal["async", "realtime", "transform", "auto"]

LONGEST_INVOCATION: dict[str, int] = {
    "async": 3600,
    "realtime": 60,
    "transform": 3600,
    "auto": 3600,
}
"""Seconds, after which SageMaker gives up. Of `auto` it is not known yet what it will be."""

USUAL_INVOCATION: dict[str, int] = {"async": 900, "realtime": 60, "transform": 600, "auto": 0}

MIB = 1024**2
LARGEST_REALTIME = 25_000_000
"""Bytes of a request or an answer (guide, `realtime-endpoints`); not in each region."""

USUAL_REALTIME = 6 * MIB
"""Bytes that every endpoint with instances takes (API reference, `InvokeEndpoint`, `Body`)."""

CALLS_WITHIN = 40.0
"""Seconds in which the calls of one chunk begin whose records are for several models: with the last
one they end before invoke_model's 120 seconds do."""

CALL_MARGIN = 15.0
"""Seconds that a function may take beside the model: for the connection, and to settle."""

USUAL_TRANSFORM_FROM = 1024**3
"""Bytes of a file that is worth the minutes in which a transform job starts."""

MODEL_NAME = "{model}"
"""Stands in `Target.model` for what the file's key or the record says."""


@dataclass(frozen=True, slots=True)
class Target:
    """The part of a real-time endpoint that is to answer; None where the endpoint has no parts."""

    model: str | None = None
    variant: str | None = None
    container: str | None = None
    component: str | None = None

    @property
    def model_varies(self) -> bool:
        return self.model is not None and MODEL_NAME in self.model


@dataclass(frozen=True, slots=True)
class Invoke:
    """Which model, and how it is called. Times are seconds, `max_payload` is bytes.

    With a `transform` there is no endpoint, but where the mode is still to be chosen: files of at
    least `transform_from` bytes get it then. `choice` is why the mode was chosen, if it was.
    """

    endpoint: str
    mode: str = "async"
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    timeout: int = USUAL_INVOCATION["async"]
    timeout_per_record: float | None = None
    queue_timeout: int = 21600
    max_payload: int | None = None
    target: Target = Target()
    transform: Transform | None = None
    transform_from: int = USUAL_TRANSFORM_FROM
    choice: str | None = None

    def timeout_for(self, records: int) -> int:
        """Seconds that the model may take for a request of so many records.

        Bounds: InvokeEndpointAsync, InvocationTimeoutSeconds; InvokeEndpoint, 60 seconds;
        CreateTransformJob, InvocationsTimeoutInSeconds.
        """
        if self.timeout_per_record is None:
            return self.timeout
        longest = LONGEST_INVOCATION[self.mode]
        return min(longest, max(1, ceil(self.timeout_per_record * records)))

    @property
    def is_realtime(self) -> bool:
        return self.mode == "realtime"

    def longest_call(self, records: int) -> float:
        """Seconds after the record of an attempt when nobody is at a real-time call any more."""
        seconds = self.timeout_for(records) + CALL_MARGIN
        return seconds + CALLS_WITHIN if self.target.model_varies else seconds

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Invoke":
        """The inverse of `asdict`, through JSON; also of jobs that were started by older code."""
        transform = document.get("transform")
        return cls(
            **document
            | {
                "target": Target(**document.get("target", {})),
                "transform": Transform.from_json(transform) if transform else None,
            }
        )
