"""Transform jobs: which chunks go into one, what it is called, how it ended.

The segments of a job are taken in groups of 256, and the chunks of a group go to transform jobs
together. Nothing about a chunk says which transform job it is in: the manifest of a transform job
lists its objects, and the name of an object tells the very attempt that it holds.
"""

import json
import re
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any

from penstock.domain.chunk import ChunkState
from penstock.domain.errors import PermanentError
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.identity import ChunkPath, InferenceId

MOST_OBJECTS = 10_000
"""In one transform job. Keeps its manifest under 1 MB, and each step about it within seconds."""

LATE = 60.0
"""Seconds by which a message may miss its time before it counts as lost."""

_NAME = re.compile(r"penstock-([0-9a-f]{20})-(\d{1,3})-(\d{1,6})\Z", re.ASCII)
_MEMBER = re.compile(
    r"(\d{5}\.\d{4}(?:\.[01]{1,20})?)-(\d{1,9})-(\d{1,9})-(\d{1,9})-(\d{1,9})\Z", re.ASCII
)


class Stage(IntEnum):
    """How far a transform job has come. What is on record never goes back."""

    PLANNED = 0  # its objects are chosen; SageMaker may know of it
    RUNNING = 1
    ENDED = 2  # what it left is about to be told, chunk by chunk
    COLLECTED = 3


class Status(StrEnum):
    """SageMaker's words, and one of ours for a job that it did not take."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    REFUSED = "Refused"

    @property
    def terminal(self) -> bool:
        return self not in (Status.IN_PROGRESS, Status.STOPPING)


@dataclass(frozen=True, slots=True)
class Report:
    """How SageMaker says that a transform job stands. Times are epoch seconds."""

    status: Status
    code: str | None = None
    reason: str | None = None
    started_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class TransformJob:
    """One CreateTransformJob of a job, the `number`-th of its group.

    `manifest` is the key of the list of its objects. With `only` the input itself is its one
    object, as it is; `only` is what the object would else be called. `at` is when its stage was
    reached, in epoch seconds. SageMaker has had no room for it `refusals` times, and is asked again
    at `retry_at`.
    """

    job_id: str
    group: int
    number: int
    chunks: int
    instances: int
    manifest: str
    at: float
    only: str | None = None
    stage: Stage = Stage.PLANNED
    report: Report | None = None
    refusals: int = 0
    retry_at: float = 0.0

    @property
    def name(self) -> str:
        """At most 41 of 63 characters. Never used again, as SageMaker demands: job ids aren't."""
        return f"penstock-{self.job_id}-{self.group}-{self.number}"

    @property
    def output_prefix(self) -> str:
        return f"transform/{self.job_id}/out/{self.group}-{self.number}/"

    @property
    def billed_seconds(self) -> float:
        """Between its start on the instances and its end, times the instances."""
        report = self.report
        if report is None or report.started_at is None or report.ended_at is None:
            return 0.0
        return max(0.0, report.ended_at - report.started_at) * self.instances

    def reached(self, stage: Stage, at: float, report: Report | None = None) -> "TransformJob":
        return replace(self, stage=stage, at=at, report=report or self.report)

    def no_room(self, retry_at: float) -> "TransformJob":
        return replace(self, refusals=self.refusals + 1, retry_at=retry_at)

    def is_left_to(self, refusals: int, now: float) -> bool:
        """Whether whoever was told of so many refusals is to ask SageMaker again.

        While there is no room, many look at the chunks of a group; all of them together would use
        up the one call a second that an account has.
        """
        return refusals >= self.refusals or now >= self.retry_at + LATE

    def to_document(self) -> dict[str, Any]:
        """What the manifest of the job says of it."""
        report = self.report
        return {
            "name": self.name,
            "chunks": self.chunks,
            "status": report.status.value if report else Status.IN_PROGRESS.value,
            "reason": report.reason if report else None,
            "billed_seconds": round(self.billed_seconds, 3),
        }


def group_of(path: ChunkPath) -> int:
    return path.segment // FAN_OUT


def place_of(name: str) -> tuple[str, int, int]:
    """Job, group and number of a transform job.

    Raises:
        PermanentError: `ForeignInference`, the transform job is somebody else's.
    """
    match = _NAME.match(name)
    if match is None:
        message = f"not a transform job of Penstock: {name!r:.80}"
        raise PermanentError("ForeignInference", message)
    return match[1], int(match[2]), int(match[3])


def member_of(state: ChunkState) -> str | None:
    """What the object of the chunk's attempt is called; None if none has been written."""
    if state.message is None or state.inference_id is None:
        return None
    return member_name(InferenceId.parse(state.inference_id), state.message.pauses)


def member_name(inference: InferenceId, pauses: int) -> str:
    """An attempt that was held and let go is sent once more, and is another object."""
    told = (inference.attempt, pauses, inference.results, inference.chunks)
    return f"{inference.path}-{'-'.join(map(str, told))}"


def inference_of(job_id: str, member: str) -> InferenceId:
    """Raises PermanentError `BadMessage`: no object of ours is called so."""
    path, attempt, _pauses, results, chunks = _parts(member)
    return InferenceId(job_id, ChunkPath.parse(path), int(attempt), int(results), int(chunks))


def pauses_of(member: str) -> int:
    """Raises PermanentError as `inference_of`."""
    return int(_parts(member)[2])


def _parts(member: str) -> tuple[str, ...]:
    match = _MEMBER.match(member)
    if match is None:
        raise PermanentError("BadMessage", f"not an object of a transform job: {member!r:.80}")
    return match.groups()


def input_prefix(job_id: str) -> str:
    """Where the objects of chunks lie in the work bucket."""
    return f"transform/{job_id}/in/"


def manifest_of(prefix: str, names: list[str]) -> bytes:
    """SageMaker's ManifestFile: unlike a prefix it matches no longer keys."""
    return json.dumps([{"prefix": prefix}, *names], separators=(",", ":")).encode()


def names_in(manifest: bytes) -> list[str]:
    """The inverse of `manifest_of`."""
    return [str(name) for name in json.loads(manifest)[1:]]


def outputs_by_member(prefix: str, keys: list[str]) -> dict[str, str]:
    """Keys of outputs by the names of their objects.

    Only the ends of keys are relied on: what stands between is documented in two ways.
    """
    ours = (key for key in keys if key.startswith(prefix) and key.endswith(".out"))
    return {key.rsplit("/", 1)[-1].removesuffix(".out"): key for key in ours}
