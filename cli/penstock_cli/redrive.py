"""Having the records of a file that failed run again."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.adapters.s3 import S3Objects
from penstock.domain.delivered import LARGEST_MANIFEST, Delivered
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job, Source
from penstock.domain.manifest import StoredObject
from penstock.domain.object_keys import output_keys
from penstock.domain.redrive import Lineage, check_lines, lines_of
from penstock.domain.redrive_plan import failed_outputs, plan_redrive
from penstock.use_cases.check_redrive import BLOCK, blocks
from penstock.use_cases.split_input import record_dialect_of
from penstock_cli.aws import Connection
from penstock_cli.errors import WrongUsageError
from penstock_cli.jobs import Jobs, location
from penstock_cli.results import write_file
from penstock_cli.submit import Submission, submit


@dataclass(frozen=True, slots=True)
class Failures:
    """Records of a file that failed, as its newest manifest has them."""

    manifest: StoredObject
    delivered: Delivered

    @property
    def key(self) -> str:
        return self.delivered.source.key

    @property
    def error_file(self) -> Source:
        return failed_outputs(self.delivered)[1]


def find_failures(connection: Connection, reference: str) -> Failures:
    """What failed of a job, or of a file. The job table need not know them any more.

    Raises:
        WrongUsageError: no such job or file.
        PermanentError: there is nothing to run again (yet); says what to do.
    """
    job = _job(connection, reference)
    key = _key(connection, reference, job)
    name = output_keys(key).manifest
    bucket = connection.stack.output_bucket
    try:
        manifest, body = S3Objects(connection.s3).newest(bucket, name, limit=LARGEST_MANIFEST)
    except PermanentError as error:
        raise _nothing(error, job, reference) from error
    failures = Failures(manifest, Delivered.parse(body, name))
    if job and failures.delivered.job_id != job.lineage:
        message = (
            f"the outputs of job {job.job_id} were overwritten by job {failures.delivered.job_id} "
            "of the same key; redrive that one"
        )
        raise PermanentError("Overwritten", message)
    plan_redrive(_dropped(connection, key, size=0), key, manifest, failures.delivered)
    return failures


def _job(connection: Connection, reference: str) -> Job | None:
    try:
        job = Jobs.of(connection).find(reference)
    except WrongUsageError as error:
        if error.code != "NoSuchJob":
            raise
        return None
    if not job.status.terminal:
        message = f"job {job.job_id} is {job.status}; wait for its end (`penstock status`)"
        raise PermanentError("NotFinished", message)
    return job


def _key(connection: Connection, reference: str, job: Job | None) -> str:
    if job:
        return job.redrive.source.key if job.redrive else job.source.key
    bucket, key = location(reference)
    if bucket not in (None, connection.stack.input_bucket):
        message = f"{reference} is not in the input bucket, {connection.stack.input_bucket}"
        raise WrongUsageError("NoSuchJob", message)
    return key


def _nothing(error: PermanentError, job: Job | None, reference: str) -> PermanentError:
    if error.code != "ObjectNotFound":
        return error
    if job:
        message = f"job {job.job_id} ({job.status}) has no outputs any more; drop its file again"
        return PermanentError("NothingToRedrive", message)
    message = (
        f"no job {reference}, and no outputs of a file with that key: give a job id, or the whole "
        "key of a file; `penstock status` lists the newest jobs"
    )
    return WrongUsageError("NoSuchJob", message)


def check_records(connection: Connection, failures: Failures, path: Path) -> int:
    """How many records the file brings back.

    Raises:
        WrongUsageError: names the line, and what to do about it.
    """
    delivered = failures.delivered
    dialect = record_dialect_of(delivered.pipeline, failures.key)
    lineage = Lineage(delivered.job_id, failures.key, dialect)
    failed = lines_of(blocks(S3Objects(connection.s3), failures.error_file))
    try:
        with path.open("rb") as file:
            return check_lines(lines_of(iter(lambda: file.read(BLOCK), b"")), failed, lineage)
    except PermanentError as error:
        raise WrongUsageError(error.code, f"{path}: {error.message}") from error


@contextmanager
def error_file(connection: Connection, failures: Failures) -> Iterator[Path]:
    """A copy of the error file, while it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "errors.jsonl"
        write_file(blocks(S3Objects(connection.s3), failures.error_file), path)
        yield path


def redrive(
    connection: Connection,
    failures: Failures,
    path: Path,
    sent: Callable[[int], None] = lambda _: None,
) -> Submission:
    """Drops the lines, which starts the job.

    Raises:
        PermanentError: they are too many, or could not be uploaded.
    """
    dropped = _dropped(connection, failures.key, path.stat().st_size)
    plan_redrive(dropped, failures.key, failures.manifest, failures.delivered)
    submission = submit(connection, path, dropped.key, sent)
    predictions = output_keys(failures.key).predictions
    return replace(submission, predictions=f"s3://{connection.stack.output_bucket}/{predictions}")


def _dropped(connection: Connection, key: str, size: int) -> Source:
    return Source(connection.stack.input_bucket, output_keys(key).errors, size, etag="")
