"""The beginning of an output while its job runs: the very bytes that it will begin with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from penstock.domain.chunk import ChunkState
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.job import Job
from penstock.domain.output_lines import output_lines
from penstock.domain.prefix import leading_chunks
from penstock.domain.results import Select
from penstock.domain.segment_result import SegmentResult
from penstock.ports import JobTable, ObjectRef, ObjectStore
from penstock.use_cases.pieces import piece_key
from penstock.use_cases.settled_records import SettledRecords, line_style

BLOCK = 1024**2
"""Bytes of a piece in memory at a time."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """How far a job has come without a gap: segments that are assembled, then settled chunks."""

    job: Job
    segments: int = 0
    chunks: tuple[ChunkState, ...] = ()
    records: int = 0


@dataclass(frozen=True, slots=True)
class ReadPrefix:
    """Writes nothing. What was found stays true, so it may be read at leisure.

    Of a job that fails as a whole, nothing is delivered in the end.
    """

    objects: ObjectStore
    table: JobTable
    select: Callable[[str], Select]
    work_bucket: str

    def find(self, job: Job) -> Prefix:
        """Nothing of a job that is not split yet, or whose lines go into another's output."""
        if job.redrive:
            return Prefix(job)
        segments = records = 0
        for result in self._assembled(job):
            segments += 1
            records += result.succeeded + result.failed
        chunks = self._settled(job, segments)
        records += sum(chunk.message.records for chunk in chunks if chunk.message)
        return Prefix(job, segments, tuple(chunks), records)

    def read(self, prefix: Prefix) -> Iterator[bytes]:
        """The output of the prefix, in blocks, error lines in their places.

        Raises:
            PermanentError: what it needs is gone, or may not be read.
        """
        job = prefix.job
        for result in islice(self._assembled(job), prefix.segments):
            if result.output_bytes:
                ref = ObjectRef(self.work_bucket, piece_key(job.job_id, result.segment, "out"))
                yield from self.objects.stream(ref, 0, result.output_bytes, BLOCK)
        for settled in SettledRecords(self.objects, self.select, quoted=False)(job, prefix.chunks):
            yield b"".join(output_lines(line_style(job), settled))

    def _assembled(self, job: Job) -> Iterator[SegmentResult]:
        """Of the leading segments, as far as there are no gaps."""
        following = 0
        for first in range(0, job.totals.segments if job.totals else 0, FAN_OUT):
            for result in self.table.get_segment_results_of(job.job_id, first // FAN_OUT):
                if result.segment != following:
                    return
                following += 1
                yield result

    def _settled(self, job: Job, segment: int) -> list[ChunkState]:
        if job.totals is None or segment >= job.totals.segments:
            return []
        return leading_chunks(segment, self.table.get_segment(job.job_id, segment))
