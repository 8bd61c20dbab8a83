"""Bisection must be worth its invocations: a model that refuses everything is found out early.

Halving a chunk of m records of which all fail takes 2 m invocations; a whole file would take twice
as many as it has records. So a job is on probation until the model has predicted something: one
chunk, the probe, is bisected, and its second halves wait for their first as long as a half is
larger than the sample. Other chunks that fail are held. The first prediction ends the probation;
a sample of single records that all failed ends the job.

The same goes for chunks that used up their attempts: while nothing has been predicted since, the
endpoint may be down, and then no record is to blame.
"""

from penstock.domain.chunk import ChunkMessage
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job, JobStatus, Stop

SAMPLE = 64
"""Records, each tried alone. Where half of all records are good, that 64 in a row are bad is less
likely than 10 ** -19; where one in twenty is, 4 %."""

RESOLUTION = 15.0
"""Seconds by which `predicted_at` may lag: noted every 10, and a job is remembered for 5."""

NOTED_EVERY = 10.0

LONGEST_HOLD = 300
"""Seconds between two looks of a chunk that is held. They double up to it: what is held for long
doesn't wait much longer than it must, and costs little meanwhile."""

ONE_OF_THEM_FAILED = 0.0
"""Held since then: until the model has predicted anything at all."""


def on_probation(job: Job, since: float) -> bool:
    """Whether the model has predicted nothing of the job since then."""
    return job.predicted_at is None or job.predicted_at < since - RESOLUTION


def is_news(job: Job, now: float) -> bool:
    """Whether a prediction is worth a note in the job."""
    return job.predicted_at is None or now >= job.predicted_at + NOTED_EVERY


def belongs_to_probe(job: Job, path: ChunkPath) -> bool:
    return job.probe == str(path.whole)


def second_half_waits(chunk: ChunkMessage) -> bool:
    """Whether the first half of a probe is sample enough."""
    return chunk.records // 2 >= SAMPLE


def probation_counter(job: Job) -> str:
    """The name of the count of single records that failed on this probation."""
    return f"probation.{job.predicted_at or 0.0:.0f}"


def nothing_succeeds(message: str, now: float) -> Stop:
    """`message` is what the model said last."""
    text = f"{SAMPLE} records in a row failed, each tried alone, and none was predicted: {message}"
    return Stop(JobStatus.FAILED, "TooManyFailures", text, now)


def is_beyond_tolerance(job: Job, failed: int) -> bool:
    """Whether the job fails whatever becomes of the records that are left."""
    failed, records = _of_the_file(job, failed)
    return 100 * failed > job.pipeline.tolerated_failure_percentage * records


def too_many_failures(job: Job, failed: int, now: float) -> Stop:
    tolerated = job.pipeline.tolerated_failure_percentage
    failed, records = _of_the_file(job, failed)
    text = f"{failed} of {records} records failed; {tolerated:g}% are tolerated; see the error file"
    return Stop(JobStatus.FAILED, "TooManyFailures", text, now)


def _of_the_file(job: Job, failed: int) -> tuple[int, int]:
    """Failures and records in all. Those of a redrive count among the records they came from."""
    records = job.totals.records if job.totals else 0
    if job.redrive is None:
        return failed, records
    return job.redrive.failed - records + failed, job.redrive.records
