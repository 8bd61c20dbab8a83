"""Who may be bisected, and when a job has failed too often to go on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.domain.chunk import ChunkMessage
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job, JobStatus, Stop
from penstock.domain.probation import (
    NOTED_EVERY,
    ONE_OF_THEM_FAILED,
    SAMPLE,
    belongs_to_probe,
    is_beyond_tolerance,
    is_news,
    nothing_succeeds,
    on_probation,
    probation_counter,
    too_many_failures,
)
from penstock.domain.trouble import GiveUp
from penstock.ports import JobTable, Journal
from penstock.use_cases.fail_job import TERMINAL, stop_job
from penstock.use_cases.seldom import Seldom
from penstock.use_cases.settle_chunk import halves_kind

ALL = 100.0
"""Percent."""


@dataclass(frozen=True, slots=True)
class Probation:
    """Keeps what is known of a job's luck with its model; `domain/probation.py` says what for."""

    table: JobTable
    journal: Journal
    now: Callable[[], float]
    _seldom: Seldom = field(default_factory=Seldom)

    def admits(self, job: Job, chunk: ChunkMessage, since: float) -> bool:
        """Whether a chunk that failed may be bisected now.

        Args:
            since: when a prediction would show that the model is well, in epoch seconds.
        """
        if not on_probation(job, since):
            return True
        return belongs_to_probe(job, chunk.path) or self._becomes_probe(job, chunk.path.whole)

    def lets_go(self, job: Job, chunk: ChunkMessage, *, was_sent: bool) -> bool:
        """Whether a chunk that is held may go to the model now."""
        if chunk.held is None or not on_probation(job, chunk.held):
            return True
        fresh = self.table.get_job(job.job_id) or job
        if not self.admits(fresh, chunk, chunk.held):
            return False
        first_half = chunk.path.parent.half(0)
        return was_sent or not chunk.bits or self._is_settled(job.job_id, first_half)

    def note_prediction(self, job: Job) -> None:
        """Once for all that are predicted at the same time: the job is remembered as it was."""
        now = self.now()

        def note() -> None:
            self.table.update_job(job.job_id, TERMINAL, predicted_at=now)

        if is_news(job, now):
            self._seldom(job.job_id, now, NOTED_EVERY, note)

    def note_fatal(self, job: Job, reason: GiveUp) -> None:
        """Stops a job whose very calls fail, unless they didn't earlier."""
        if self._still_unlucky(job, ONE_OF_THEM_FAILED):
            stop = Stop(JobStatus.FAILED, reason.code, reason.message, self.now())
            stop_job(self.table, self.journal, job.job_id, stop)

    def note_failure(self, job: Job, chunk: ChunkMessage, reason: GiveUp, since: float) -> None:
        """Stops the job if enough is known. Counts: told twice, the same failure counts twice."""
        stop = None if job.stop else self._verdict(job, chunk, reason, since)
        if stop:
            stop_job(self.table, self.journal, job.job_id, stop)

    def note_segment(self, job: Job, segment: int) -> None:
        """Stops the job if the segments that are done hold more failures than it tolerates."""
        if job.pipeline.tolerated_failure_percentage >= ALL:
            return
        results = self.table.get_segment_results_of(job.job_id, segment // FAN_OUT)
        failed = sum(result.failed - result.unfinished for result in results)
        if is_beyond_tolerance(job, failed):
            stop = too_many_failures(job, failed, self.now())
            stop_job(self.table, self.journal, job.job_id, stop)

    def _verdict(self, job: Job, chunk: ChunkMessage, reason: GiveUp, since: float) -> Stop | None:
        if self._sample_failed(job, chunk, since):
            return nothing_succeeds(reason.message, self.now())
        return self._beyond_tolerance(job, chunk)

    def _sample_failed(self, job: Job, chunk: ChunkMessage, since: float) -> bool:
        if chunk.records > 1 or not on_probation(job, since):
            return False
        failed = self.table.count(job.job_id, probation_counter(job), 1)
        return failed >= SAMPLE and self._still_unlucky(job, since)

    def _still_unlucky(self, job: Job, since: float) -> bool:
        """As the table has it: the job in hand may be a few seconds old."""
        if not on_probation(job, since):
            return False
        fresh = self.table.get_job(job.job_id)
        return fresh is not None and on_probation(fresh, since)

    def _beyond_tolerance(self, job: Job, chunk: ChunkMessage) -> Stop | None:
        if job.pipeline.tolerated_failure_percentage >= ALL:
            return None
        # Counted for each segment, so that no counter is hot; assembly adds the segments up.
        failed = self.table.count(job.job_id, f"failed.{chunk.segment}", chunk.records)
        if not is_beyond_tolerance(job, failed):
            return None
        return too_many_failures(job, failed, self.now())

    def _becomes_probe(self, job: Job, path: ChunkPath) -> bool:
        if job.probe is None:
            return self.table.claim_probe(job.job_id, path, None)
        if not self._is_settled(job.job_id, ChunkPath.parse(job.probe)):
            return False
        return self.table.claim_probe(job.job_id, path, job.probe)

    def _is_settled(self, job_id: str, path: ChunkPath) -> bool:
        """Whether all of the chunk's records have their outcome."""
        state = self.table.get_chunk(job_id, path)
        if state is None or state.outcome is None:
            return False
        both = frozenset({0, 1})
        return not state.bisected or self.table.children_done(job_id, halves_kind(path)) == both
