"""The periodic search for what was lost: notifications, messages, deadlines.

Only jobs that run are looked at, each once in a while: `SweepJobs.patience` seconds apart and when
its deadline has passed. A run does a bounded part of the work, the next one goes on from there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.domain.errors import PenstockError, PermanentError
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.job import Job
from penstock.domain.splitting import Resolution, resolve
from penstock.ports import JobTable, Journal, Queues
from penstock.use_cases import messages
from penstock.use_cases.abort_leaks import AbortLeaks
from penstock.use_cases.exit import Exit
from penstock.use_cases.fail_job import ask_to_finish, fail_job
from penstock.use_cases.recover_permits import RecoverPermits
from penstock.use_cases.split_input import dialect_of, emits_of, regions_of
from penstock.use_cases.sweep_segment import Budget, SweepSegment, expires_at
from penstock.use_cases.sweep_transforms import SweepTransforms

JOBS_A_RUN = 100
SPLIT_WITHIN = 3600.0
"""Seconds after which a job that is still being split has its scans sent again, or half of the time
that it has in all."""

SOON = 60.0
"""Seconds until a job is gone on with that was more than one run could do."""


@dataclass(frozen=True, slots=True)
class SweepJobs:
    """Has everything done again that is overdue. What it sends may have been sent before."""

    table: JobTable
    queues: Queues
    sweep_segment: SweepSegment
    sweep_transforms: SweepTransforms
    recover_permits: RecoverPermits
    exit: Exit
    abort_leaks: AbortLeaks
    journal: Journal
    now: Callable[[], float]
    patience: float

    def __call__(self) -> None:
        budget = Budget()
        with self.exit.batch():
            for job_id in self.table.jobs_to_sweep(self.now(), JOBS_A_RUN):
                if budget.spent:
                    break
                self._sweep(job_id, budget)

    def _sweep(self, job_id: str, budget: Budget) -> None:
        job = self.table.get_job(job_id)
        if job is None or job.status.terminal:
            return
        # Before the work: a job that makes this function die must not be the first again.
        self.table.put_off_sweep(job_id, self._next_time(job), job.sweep_from)
        # Once more: a stop that was noted in between has been put off with it.
        job = self.table.get_job(job_id) or job
        try:
            self.abort_leaks(job)
            stopped_at = self._look_at(job, budget)
        except PenstockError as error:
            self.journal("SweepFailed", job_id=job_id, code=error.code, reason=error.message)
            return
        if stopped_at is not None:
            self.table.put_off_sweep(job_id, self.now() + SOON, stopped_at)
        elif job.sweep_from:
            self._begin_anew(job)

    def _begin_anew(self, job: Job) -> None:
        """The next sweep looks at the job from its first segment on."""
        fresh = self.table.get_job(job.job_id) or job
        # A job that was stopped meanwhile is due at once.
        at = self._next_time(job) if fresh.stop == job.stop else self.now()
        self.table.put_off_sweep(job.job_id, at, 0)

    def _next_time(self, job: Job) -> float:
        now, end = self.now(), expires_at(job, self.patience)
        usual = now + max(SOON, self.patience)
        if job.pipeline.invoke.transform and now < job.deadline_at:
            # Transform jobs are stopped then.
            return min(usual, job.deadline_at)
        return min(usual, end) if now < end else usual

    def _look_at(self, job: Job, budget: Budget) -> int | None:
        """The segment at which to go on; None if all have been looked at."""
        if job.failure or (job.totals and not job.totals.chunks):
            ask_to_finish(self.queues, job.job_id)
            return None
        if job.stop and job.totals is None:
            ask_to_finish(self.queues, job.job_id)
            return None
        if job.stop and job.pipeline.invoke.transform and self.sweep_transforms.stopping(job):
            return job.sweep_from
        if job.stop:
            self._end_early(job)
            return None
        if not job.emitted:
            self._split_again(job)
        return self._look_at_segments(job, budget) if job.totals else None

    def _end_early(self, job: Job) -> None:
        """Has all chunks of a job that was stopped come to invoke_model, which settles them."""
        segments = list(self._open_segments(replace(job, sweep_from=0)))
        if segments:
            self._send_again(job, segments)
        else:
            self._finish(job)

    def _split_again(self, job: Job) -> None:
        now, expired = self.now(), self._has_expired(job)
        if expired and not job.totals:
            error = PermanentError("DeadlineExceeded", "the file was not split by the deadline")
            fail_job(self.table, self.queues, job.job_id, error)
        elif expired or now >= job.created_at + min(SPLIT_WITHIN, job.pipeline.deadline / 2):
            self.journal("ScansRepeated", job_id=job.job_id)
            self.queues.split(job.job_id, self._scans(job))

    def _scans(self, job: Job) -> list[dict[str, Any]]:
        """Of regions that have not reported; if all have, one of them decides again."""
        regions = regions_of(job)
        reported = self.table.get_regions(job.job_id, len(regions))
        known = {summary.region.start for summary in reported}
        missing = [number for number, each in enumerate(regions) if each.start not in known]
        return [messages.scan(job.job_id, number) for number in missing or [0]]

    def _look_at_segments(self, job: Job, budget: Budget) -> int | None:
        incomplete: list[int] = []
        census = self.recover_permits.begin(job)
        stopped_at, open_segments = None, list[int]()
        for segment in self._open_segments(job):
            open_segments.append(segment)
            if self.sweep_segment(job, segment, budget, census):
                incomplete.append(segment)
            if budget.spent:
                stopped_at = segment if budget.chunks <= 0 else segment + 1
                break
        if incomplete and (self._has_expired(job) or self._lost_messages(job)):
            self._send_again(job, incomplete)
        if job.pipeline.invoke.transform:
            self.sweep_transforms(job, sorted({segment // FAN_OUT for segment in open_segments}))
        if stopped_at is None and not job.sweep_from:
            self.recover_permits(job, census)
        if not open_segments and not job.sweep_from:
            self._finish(job)
        return stopped_at

    def _has_expired(self, job: Job) -> bool:
        return self.now() >= expires_at(job, self.patience)

    def _lost_messages(self, job: Job) -> bool:
        """Whether chunks that nobody has taken up are in no queue any more."""
        begun = job.emitted and job.split_at is not None
        if not begun or self.now() < (job.split_at or 0.0) + self.patience:
            return False
        return self.queues.chunks_waiting() == 0

    def _open_segments(self, job: Job) -> Iterator[int]:
        """Those without a result, from where the last run stopped."""
        segments = job.totals.segments if job.totals else 0
        for start in range(job.sweep_from // FAN_OUT * FAN_OUT, segments, FAN_OUT):
            results = self.table.get_segment_results_of(job.job_id, start // FAN_OUT)
            done = {result.segment for result in results}
            numbers = range(max(start, job.sweep_from), min(start + FAN_OUT, segments))
            yield from (number for number in numbers if number not in done)

    def _finish(self, job: Job) -> None:
        """All segments are assembled, and the job goes on: who was last may not have said so."""
        segments = job.totals.segments if job.totals else 0
        # Not at once the end: the pieces may still have to be merged.
        nodes = range(0, segments, FAN_OUT)
        again = [messages.assemble(job.job_id, number, chunks=0) for number in nodes]
        self.queues.assemble(job.job_id, again)

    def _send_again(self, job: Job, segments: Sequence[int]) -> None:
        """All chunks of the regions that the segments lie in; what is settled is dropped again."""
        if not segments:
            return
        self.journal("ChunksRepeated", job_id=job.job_id, segments=len(segments))
        regions = regions_of(job)
        if len(regions) == 1:
            self.queues.split(job.job_id, [{**messages.scan(job.job_id, 0), "again": True}])
            return
        summaries = self.table.get_regions(job.job_id, len(regions))
        resolution = resolve(summaries, dialect_of(job), job.source.size)
        self.queues.split(job.job_id, _emits_of_segments(job, resolution, segments))


def _emits_of_segments(
    job: Job, resolution: Resolution, segments: Sequence[int]
) -> list[dict[str, Any]]:
    wanted = set(segments)
    return emits_of(
        job,
        [
            region
            for region in resolution.regions
            if wanted & set(range(region.first_segment, region.first_segment + region.segments))
        ],
    )
