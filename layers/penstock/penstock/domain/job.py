"""One dropped object on its way through one pipeline."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from penstock.domain.pipeline import Pipeline


class JobStatus(StrEnum):
    """In order of progress; the last five end a job."""

    SUBMITTED = "SUBMITTED"
    SPLITTING = "SPLITTING"
    RUNNING = "RUNNING"
    ASSEMBLING = "ASSEMBLING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def terminal(self) -> bool:
        return self in _TERMINAL

    @property
    def successful(self) -> bool:
        """Whether the job is announced on the success topic."""
        return self in {JobStatus.SUCCEEDED, JobStatus.PARTIAL}


_TERMINAL = frozenset(list(JobStatus)[4:])


@dataclass(frozen=True, slots=True)
class Source:
    """The very object that a job reads; another version under the same key is another job."""

    bucket: str
    key: str
    size: int
    etag: str
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a whole job failed."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a job ends before all of its records had their turn. `at` is in epoch seconds.

    Unlike a failure it leaves what was predicted to be delivered; the other records get error
    lines with this code. `status` is CANCELLED or FAILED.
    """

    status: JobStatus
    code: str
    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Totals:
    """What splitting found. `header` is its byte range `[start, end)`."""

    records: int
    chunks: int
    segments: int
    header: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Redrive:
    """What a job merges its records into: `failed` ones of the `records` of an earlier input.

    `lineage` is the id of the job that first ran that input, `source`; `header` is the byte range
    of its header. The others are the versions of its outputs that the job found.
    """

    lineage: str
    source: Source
    manifest: Source
    predictions: Source
    errors: Source
    records: int
    failed: int
    header: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """The job item: what was fixed at the start, and how far it has come. Times are epoch seconds.

    `totals` are known once the job is RUNNING; `emitted`, once all that splits it has been sent.
    `summary` is what was announced at its end. `sweep_from` is the segment that the next sweep
    begins with. `predicted_at` is about when the model last answered as it should, and `probe` the
    path of the chunk that may be bisected before it ever did: see `domain/probation.py`. With a
    `redrive` the input is an error file: see `domain/redrive.py`.
    """

    job_id: str
    source: Source
    pipeline: Pipeline
    region_bytes: int
    created_at: float
    status: JobStatus = JobStatus.SUBMITTED
    totals: Totals | None = None
    failure: Failure | None = None
    split_at: float | None = None
    finished_at: float | None = None
    summary: dict[str, Any] | None = None
    emitted: bool = False
    notified: bool = False
    sweep_from: int = 0
    stop: Stop | None = None
    redrive: Redrive | None = None
    predicted_at: float | None = None
    probe: str | None = None

    @property
    def deadline_at(self) -> float:
        return self.created_at + self.pipeline.deadline

    @property
    def lineage(self) -> str:
        """The id of the job that first ran the records of this one."""
        return self.redrive.lineage if self.redrive else self.job_id

    @property
    def header(self) -> tuple[Source, int, int] | None:
        """Where the header of the records lies, once that is known."""
        if self.redrive:
            return (self.redrive.source, *self.redrive.header) if self.redrive.header else None
        known = self.totals and self.totals.header
        return (self.source, *known) if known else None

    def snapshot(self) -> dict[str, Any]:
        """The fixed half, as JSON."""
        return {
            "source": asdict(self.source),
            "pipeline": self.pipeline.to_json(),
            "region_bytes": self.region_bytes,
            "redrive": asdict(self.redrive) if self.redrive else None,
        }


@dataclass(frozen=True, slots=True)
class Tally:
    """How a job's records ended. `unfinished` ones failed since the job ended before their turn."""

    succeeded: int
    failed: int
    unfinished: int = 0

    @property
    def total(self) -> int:
        return self.succeeded + self.failed


def final_status(job: Job, tally: Tally) -> tuple[JobStatus, Failure | None]:
    """How a job ends whose records all have an outcome."""
    stop = job.stop
    if stop and (tally.unfinished or stop.status is JobStatus.FAILED):
        return stop.status, Failure(stop.code, stop.message)
    if tally.unfinished:
        message = (
            f"{tally.unfinished} records had no prediction by the job's deadline; "
            "raise `deadline` or scale the endpoint"
        )
        return JobStatus.EXPIRED, Failure("DeadlineExceeded", message)
    return standing(job.pipeline, tally)


def standing(pipeline: Pipeline, tally: Tally) -> tuple[JobStatus, Failure | None]:
    """How a file stands whose records ended so, whatever became of the jobs that ran them."""
    if not tally.failed:
        return JobStatus.SUCCEEDED, None
    if not tally.succeeded:
        message = "no record was predicted; the error file says why"
        return JobStatus.FAILED, Failure("NothingSucceeded", message)
    return _judged_by_tolerance(pipeline, tally)


def _judged_by_tolerance(pipeline: Pipeline, tally: Tally) -> tuple[JobStatus, Failure | None]:
    if pipeline.output.on_error == "fail":
        message = f"{tally.failed} records failed and output.on_error is fail; see the error file"
        return JobStatus.FAILED, Failure("RecordsFailed", message)
    percentage = 100 * tally.failed / tally.total
    if percentage > pipeline.tolerated_failure_percentage:
        message = (
            f"{percentage:.4g}% of the records failed; "
            f"{pipeline.tolerated_failure_percentage:g}% are tolerated; see the error file"
        )
        return JobStatus.FAILED, Failure("ToleranceExceeded", message)
    return JobStatus.PARTIAL, None
