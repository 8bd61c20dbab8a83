"""What a running job has predicted so far, without a gap from its first record on."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.adapters.s3 import S3Objects
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job
from penstock.selection import compile_selection
from penstock.use_cases.read_prefix import Prefix, ReadPrefix
from penstock_cli.aws import Connection
from penstock_cli.ports import job_table


@dataclass(frozen=True, slots=True)
class Partial:
    """`records` of `total` are in the blocks; `total` is None before the job is split."""

    blocks: Iterator[bytes]
    records: int
    total: int | None


def read_partial(connection: Connection, job: Job) -> Partial:
    """The lines that the job's output will begin with, in blocks.

    Raises:
        PermanentError: the job redrives records of another output.
        WrongUsageError: the stack is of an earlier version.
    """
    if job.redrive:
        message = (
            f"job {job.job_id} puts its records into the output of an earlier job, in their places "
            "and all at its end: nothing of it is partial; wait for its end (`penstock status`)"
        )
        raise PermanentError("NothingPartial", message)
    read = ReadPrefix(
        objects=S3Objects(connection.s3),
        table=job_table(connection),
        select=compile_selection,
        work_bucket=connection.stack.output("WorkBucketName"),
    )
    prefix: Prefix = read.find(job)
    return Partial(read.read(prefix), prefix.records, job.totals.records if job.totals else None)
