"""What the use cases need of the world. `adapters` meet it on AWS, `testing` in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from penstock.domain.admission import Lane, Occupancy, Share
from penstock.domain.choice import Kind
from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.fan_in import Step
from penstock.domain.identity import ChunkPath
from penstock.domain.invoke import Target
from penstock.domain.job import Job, JobStatus, Source, Stop
from penstock.domain.manifest import StoredObject
from penstock.domain.pacing import Pace, Round
from penstock.domain.segment_result import SegmentResult
from penstock.domain.splitting import RegionSummary
from penstock.domain.transform_job import TransformJob


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object; with `etag`, only as long as it is unchanged."""

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None

    @classmethod
    def of(cls, source: Source) -> "ObjectRef":
        return cls(source.bucket, source.key, source.version_id, source.etag)


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A part that is in, as CompleteMultipartUpload wants it."""

    number: int
    etag: str


class ObjectStore(Protocol):
    """S3. Reads raise PermanentError `ObjectNotFound`, `ObjectChanged` or `AccessDenied`."""

    def read(self, ref: ObjectRef, *, limit: int | None = None) -> bytes:
        """The whole object. PermanentError `ObjectTooLarge` beyond `limit` bytes."""

    def read_range(self, ref: ObjectRef, start: int, end: int) -> bytes:
        """Bytes `[start, end)`, `start < end`."""

    def stream(self, ref: ObjectRef, start: int, end: int, block: int) -> Iterator[bytes]:
        """Bytes `[start, end)` in blocks of about `block` bytes."""

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Of all objects whose key begins so."""

    def newest(self, bucket: str, key: str, *, limit: int) -> tuple[StoredObject, bytes]:
        """The object as it is now, and its bytes; `ObjectTooLarge` as in `read`."""

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> StoredObject: ...

    def replace(self, old: StoredObject, body: bytes, content_type: str) -> StoredObject:
        """A new version, if `old` is still the newest. Else PermanentError `ObjectChanged`."""

    def begin_upload(self, bucket: str, key: str, content_type: str) -> str:
        """The id of a new multipart upload."""

    def upload_part(self, target: "Upload", number: int, body: bytes) -> UploadedPart: ...

    def copy_part(
        self, target: "Upload", number: int, ref: ObjectRef, extent: tuple[int, int]
    ) -> UploadedPart:
        """A part copied by S3 itself from bytes `[first, end)` of another object."""

    def complete_upload(
        self, target: "Upload", parts: Sequence[UploadedPart], size: int
    ) -> StoredObject:
        """Parts ascending, `size` bytes in all. RetryableError when the upload is gone."""

    def abort_upload(self, target: "Upload") -> None:
        """Nothing happens when it is gone already."""

    def open_uploads(self, bucket: str, prefix: str, begun_before: float) -> list["Upload"]:
        """Uploads to keys with the prefix that were begun before then, in epoch seconds."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload in progress."""

    bucket: str
    key: str
    upload_id: str


class JobTable(Protocol):
    """The state of all jobs. Every write is conditional or idempotent."""

    def claim(self, name: str, job_id: str, replacing: str | None) -> str:
        """Which job has the name now: `job_id`, if nobody had it, or `replacing`, or it had."""

    def create_job(self, job: Job) -> bool:
        """False if the job exists already."""

    def get_job(self, job_id: str) -> Job | None: ...

    def update_job(self, job_id: str, unless: frozenset[JobStatus], **fields: Any) -> bool:
        """Set fields of Job unless its status is one of `unless`; False if it was."""

    def stop_job(self, job_id: str, stop: Stop) -> bool:
        """Notes the stop and makes the job's sweep due; False if it ended or stops already."""

    def claim_probe(self, job_id: str, path: ChunkPath, replacing: str | None) -> bool:
        """Whether the chunk is the job's probe now: there was none, or `replacing`, or it was."""

    def count(self, job_id: str, name: str, number: int) -> int:
        """Adds to the job's counter of this name; what it has come to.

        Calling again counts again: for estimates, never for what the user is told.
        """

    def jobs_to_sweep(self, now: float, limit: int) -> list[str]:
        """Jobs that have not ended and whose next sweep is due, the longest due first.

        A job is due from its creation on. May lag a little behind what was written.
        """

    def put_off_sweep(self, job_id: str, sweep_at: float, sweep_from: int) -> None:
        """When the job is due again, and its `sweep_from`. Nothing happens once it has ended."""

    def put_region(self, job_id: str, region: int, summary: RegionSummary) -> None: ...

    def get_regions(self, job_id: str, regions: int) -> list[RegionSummary]:
        """Of regions 0 to `regions` - 1, in order."""

    def mark_done(self, job_id: str, kind: str, step: Step) -> int:
        """Adds the child to its node's done-set; the number of children that are done."""

    def children_done(self, job_id: str, kind: str) -> frozenset[int]:
        """What node 0 of level 0 of a done-set holds."""

    def get_chunk(self, job_id: str, path: ChunkPath) -> ChunkState | None: ...

    def record_attempt(self, job_id: str, state: ChunkState) -> None:
        """Writes all of the state but its outcome, which stays; so does a later attempt."""

    def note_hold(self, job_id: str, path: ChunkPath, pauses: int) -> None:
        """Raises `holds` to the pauses of a message that was held; `record_attempt` resets it."""

    def settle(self, job_id: str, path: ChunkPath, outcome: Outcome) -> bool:
        """Writes the outcome if the chunk has none; False if it had one, which stays."""

    def get_segment(self, job_id: str, segment: int) -> list[ChunkState]:
        """The chunks of one segment in path order."""

    def put_segment_result(self, job_id: str, result: SegmentResult) -> None: ...

    def get_segment_result(self, job_id: str, segment: int) -> SegmentResult | None: ...

    def get_segment_results_of(self, job_id: str, node: int) -> list[SegmentResult]:
        """Of segments 256 * `node` to 256 * `node` + 255, as far as they exist, in order."""

    def get_segment_results(self, job_id: str, segments: int) -> list[SegmentResult]:
        """Of segments 0 to `segments` - 1, in order."""

    def put_transform(self, transform: TransformJob) -> bool:
        """Notes the transform job, unless it is on record at that stage or a later one."""

    def get_transforms(self, job_id: str) -> list[TransformJob]:
        """By group and number."""


class Queues(Protocol):
    """The queues that the functions fill. All messages of a job share its fair-queue group."""

    def split(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None: ...

    def invoke(self, job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None: ...

    def invoke_later(self, job_id: str, messages: Sequence[tuple[ChunkMessage, int]]) -> None:
        """Each after its own delay, in seconds."""

    def assemble(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None: ...

    def transform(
        self, job_id: str, messages: Sequence[dict[str, Any]], delay: int = 0
    ) -> None: ...

    def results(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        """Tells collect_result what SageMaker doesn't: it notifies of no chunk of a transform."""

    def chunks_waiting(self) -> int:
        """About how many chunks of all jobs are to be invoked: waiting, delayed or in work."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is added to one job's share of a lane: permits held, permits had in all.

    `answered` are answers of the round with the given number; it may be over.
    """

    at: float
    held: int
    sent: int = 0
    answered: Round | None = None
    number: int = 0


class Admissions(Protocol):
    """The permits that are out, by lane and job. Nothing is held in a lane that is new."""

    def read(self, lane: Lane) -> Occupancy:
        """May lag a little behind what was written."""

    def count(self, lane: Lane, tag: str, change: Change) -> Occupancy:
        """Adds the change, whatever others add at the same time; the lane right after it."""

    def put_pace(self, lane: Lane, pace: Pace) -> bool:
        """Begins the round with the pace's number, 1 or more; False if it isn't the next one."""

    def forget(self, lane: Lane, tag: str, share: Share | None = None) -> None:
        """Takes out the job's share; with `share`, only if it is still the same."""


@dataclass(frozen=True, slots=True)
class AsyncRequest:
    """One InvokeEndpointAsync call; `body` inline, or `input_location` in S3. Times are seconds."""

    endpoint: str
    inference_id: str
    content_type: str
    accept: str
    timeout: int
    queue_timeout: int
    custom_attributes: str | None = None
    body: bytes | None = None
    input_location: str | None = None


@dataclass(frozen=True, slots=True)
class AsyncTicket:
    """Where the answer, or the reason for its absence, will be."""

    output_location: str
    failure_location: str | None


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One InvokeEndpoint call. `timeout` is the seconds after which nobody waits any more."""

    endpoint: str
    inference_id: str
    content_type: str
    accept: str
    timeout: int
    body: bytes
    custom_attributes: str | None = None
    target: Target = field(default_factory=Target)


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """What the model said, and which production variant it was."""

    body: bytes
    content_type: str
    variant: str | None = None


class Endpoints(Protocol):
    """What is known of endpoints before they are called."""

    def kind_of(self, name: str) -> Kind:
        """Raises PermanentError `NoSuchEndpoint`, `AccessDenied`."""


class Model(Protocol):
    """SageMaker's runtime. One attempt a call; raises InvocationError."""

    def invoke_async(self, request: AsyncRequest) -> AsyncTicket: ...

    def invoke(self, request: SyncRequest) -> SyncAnswer: ...


class Announcer(Protocol):
    """Tells the user: SNS and EventBridge."""

    def announce_job(self, summary: dict[str, Any], *, successful: bool) -> None: ...

    def announce_bad_pipeline(self, report: dict[str, Any]) -> None: ...


class Journal(Protocol):
    """What operators read: each event is a log line with its fields and counts as a metric."""

    def __call__(self, event: str, /, **fields: Any) -> None:
        """`event` in CamelCase. No field holds the contents of a record."""
