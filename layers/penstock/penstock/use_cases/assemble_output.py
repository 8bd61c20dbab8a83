"""From outcomes to an ordered piece of output, and from pieces to the job's end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from penstock.domain.chunk import ChunkState
from penstock.domain.errors import RetryableError
from penstock.domain.fan_in import FAN_OUT, Step
from penstock.domain.job import Job
from penstock.domain.merging import entry_of
from penstock.domain.output_lines import RecordError, Settled, error_lines, output_lines
from penstock.domain.pricing import INLINE_LIMIT
from penstock.domain.results import Select
from penstock.domain.segment_result import SegmentResult
from penstock.domain.serving import served_by
from penstock.ports import JobTable, ObjectStore
from penstock.use_cases.fan_in import report_done
from penstock.use_cases.piece_writer import PieceWriter
from penstock.use_cases.pieces import Kind, MergePieces, piece_key
from penstock.use_cases.probation import Probation
from penstock.use_cases.settled_records import SettledRecords, line_style


@dataclass(frozen=True, slots=True)
class AssembleSegment:
    """Writes one segment's lines in record order; the last segment has the job finished."""

    objects: ObjectStore
    table: JobTable
    merge: MergePieces
    finish: Callable[[str], None]
    select: Callable[[str], Select]
    probation: Probation
    work_bucket: str

    def __call__(self, message: dict[str, Any]) -> None:
        job = self.table.get_job(message["job_id"])
        if job is None or job.totals is None:
            return
        if job.status.terminal:
            # The function that ended the job may have died before it told anybody.
            self.finish(job.job_id)
            return
        segment = int(message["segment"])
        if self.table.get_segment_result(job.job_id, segment) is None:
            result = self._assemble(job, segment, int(message["chunks"]))
            self.table.put_segment_result(job.job_id, result)
            if result.failed and job.stop is None:
                self.probation.note_segment(job, segment)
        self._report(job.job_id, segment, job.totals.segments)

    def _report(self, job_id: str, segment: int, segments: int) -> None:
        def node_done(step: Step) -> None:
            if step.level == 0 and segments > FAN_OUT:
                self.merge(job_id, step.node)

        if report_done(self.table, job_id, "segments", (segment, segments), node_done):
            self.finish(job_id)

    def _assemble(self, job: Job, segment: int, chunks: int) -> SegmentResult:
        states = self.table.get_segment(job.job_id, segment)
        _check_complete(states, chunks)
        states, whole = [state for state in states if not state.bisected], states
        output = self._writer(job, segment, "out")
        errors = self._writer(job, segment, "errors")
        try:
            tallies = [
                self._write(job, settled, output, errors)
                for settled in SettledRecords(self.objects, self.select)(job, states)
            ]
            output.close()
            errors.close()
        except BaseException:
            # Whatever went wrong, also a bug: parts that nobody completes cost money for ever.
            try:
                output.abandon()
            finally:
                errors.abandon()
            raise
        failed = sum(bad for _, bad in tallies)
        succeeded = sum(good for good, _ in tallies)
        result = _result(segment, whole, (succeeded, failed), (output.size, errors.size))
        return replace(result, output_lines=output.lines, served=served_by(states))

    def _writer(self, job: Job, segment: int, kind: Kind) -> PieceWriter:
        key = piece_key(job.job_id, segment, kind)
        return PieceWriter(self.objects, self.work_bucket, key, "application/octet-stream")

    def _write(
        self, job: Job, settled: list[Settled], output: PieceWriter, errors: PieceWriter
    ) -> tuple[int, int]:
        style = line_style(job)
        if job.redrive:
            # Its records have their places among others: merge_redrive puts them there.
            output.write(entry_of(job.lineage, style, each).to_bytes() for each in settled)
        else:
            output.write(output_lines(style, settled))
            errors.write(error_lines(job.lineage, settled))
        failed = sum(isinstance(each.result, RecordError) for each in settled)
        return len(settled) - failed, failed


def _check_complete(states: list[ChunkState], chunks: int) -> None:
    """Raises RetryableError while a chunk lacks its outcome or the record of its attempt.

    An outcome can be there alone: the function that invoked the model died before it noted so.
    Its message comes back and completes the item.
    """
    complete = {state.path for state in states if state.message and state.outcome}
    expected = {state.path.half(bit) for state in states if state.bisected for bit in (0, 1)}
    missing = expected - complete
    whole = sum(not path.bits for path in complete)
    if whole < chunks or missing:
        have, want = len(complete), chunks + len(expected)
        raise RetryableError("SegmentIncomplete", f"{have} of {want} chunks are complete")


def _result(
    segment: int, states: list[ChunkState], counts: tuple[int, int], sizes: tuple[int, int]
) -> SegmentResult:
    outcomes = [(state, state.outcome) for state in states if state.outcome]
    unfinished = sum(
        state.message.records for state, outcome in outcomes if state.message and outcome.unfinished
    )
    staged = sum(
        outcome.attempts
        for state, outcome in outcomes
        if state.message and state.message.end - state.message.start > INLINE_LIMIT
    )
    return SegmentResult(
        segment=segment,
        succeeded=counts[0],
        failed=counts[1],
        unfinished=unfinished,
        attempts=sum(outcome.attempts for _, outcome in outcomes),
        retries=sum(max(0, outcome.attempts - 1) for _, outcome in outcomes),
        staged=staged,
        output_bytes=sizes[0],
        error_bytes=sizes[1],
    )
