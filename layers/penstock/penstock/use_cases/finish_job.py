"""The end of a job: output, error file, manifest, word to the user. In this order."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.job import Failure, Job, JobStatus, Redrive, Stop, Tally, final_status
from penstock.domain.manifest import Effort, Ending, StoredObject, build_manifest, build_summary
from penstock.domain.object_keys import output_keys
from penstock.domain.segment_result import SegmentResult
from penstock.domain.serving import Served, serving_document
from penstock.domain.transform_job import TransformJob
from penstock.ports import Announcer, JobTable, Journal, ObjectStore
from penstock.use_cases.abort_leaks import AbortLeaks
from penstock.use_cases.compose_object import ComposeObject, Target
from penstock.use_cases.fail_job import TERMINAL
from penstock.use_cases.lanes import Lanes
from penstock.use_cases.merge_redrive import JSON, JSON_LINES, Assembled, MergeRedrive
from penstock.use_cases.pieces import Pieces


@dataclass(frozen=True, slots=True)
class FinishJob:
    """Delivers what there is. Every step can be repeated; the job's final status marks the end."""

    objects: ObjectStore
    table: JobTable
    announcer: Announcer
    lanes: Lanes
    compose: ComposeObject
    abort_leaks: AbortLeaks
    journal: Journal
    now: Callable[[], float]
    work_bucket: str
    output_bucket: str

    def without_pieces(self, job_id: str) -> None:
        """Of a job that failed as a whole, has no records, or was stopped before it was split.

        Others are ended by their last segment: one may have been split while it was stopped.
        """
        job = self.table.get_job(job_id)
        if job and (job.status.terminal or job.failure or not (job.totals and job.totals.chunks)):
            self(job_id)

    def __call__(self, job_id: str) -> None:
        """Once all segments have left their pieces."""
        job = self.table.get_job(job_id)
        if job is None:
            return
        if not job.status.terminal:
            job = self._deliver(job)
        if not job.notified and job.summary:
            self.lanes.forget(job)
            self.announcer.announce_job(job.summary, successful=job.status.successful)
            self.table.update_job(job_id, frozenset(), notified=True)

    def _deliver(self, job: Job) -> Job:
        if job.failure is None and job.totals is None and job.stop is None:
            raise RetryableError("JobNotSplit", f"job {job.job_id} has no totals yet")
        self.table.update_job(job.job_id, TERMINAL, status=JobStatus.ASSEMBLING)
        ending = replace(self._ending(job), transform_jobs=self._transforms(job))
        manifest = self._put_manifest(job, ending)
        fields: dict[str, Any] = {
            "status": ending.status,
            "failure": ending.failure,
            "finished_at": ending.finished_at,
            "summary": build_summary(job, ending, manifest),
        }
        if not self.table.update_job(job.job_id, TERMINAL, **fields):
            # Another function was first; what it wrote is what the user is told.
            return self.table.get_job(job.job_id) or job
        self.abort_leaks(job)
        self.journal(
            f"Job{ending.status.capitalize()}",
            job_id=job.job_id,
            succeeded=ending.tally.succeeded,
            failed=ending.tally.failed,
            reason=ending.failure.message if ending.failure else None,
        )
        return replace(job, **fields)

    def _transforms(self, job: Job) -> tuple[TransformJob, ...]:
        if job.pipeline.invoke.transform is None:
            return ()
        return tuple(self.table.get_transforms(job.job_id))

    def _ending(self, job: Job) -> Ending:
        if job.failure:
            return failed_ending(job, job.failure, self.now())
        if job.totals is None and job.stop:
            return _stopped_ending(job.stop, self.now())
        results = self._results(job)
        try:
            check_conservation(job, results)
            if job.redrive:
                return self._merge(job, job.redrive, results)
            outputs = self._compose_all(job, results)
        except PermanentError as error:
            return failed_ending(job, Failure(error.code, error.message), self.now())
        tally = _tally(results)
        status, failure = final_status(job, tally)
        lines = sum(each.output_lines for each in results)
        ending = Ending(status, failure, tally, _effort(results), self.now(), outputs, lines)
        return replace(ending, serving=serving_document(_runs(results)))

    def _merge(self, job: Job, redrive: Redrive, results: Sequence[SegmentResult]) -> Ending:
        pieces = Pieces(self.work_bucket, job.job_id).of_job(results, "out")
        transforms = self._transforms(job)
        assembled = Assembled(_tally(results), _effort(results), pieces, transforms)
        return MergeRedrive(self.objects, self.now)(job, redrive, assembled)

    def _results(self, job: Job) -> list[SegmentResult]:
        segments = job.totals.segments if job.totals else 0
        return self.table.get_segment_results(job.job_id, segments)

    def _compose_all(self, job: Job, results: Sequence[SegmentResult]) -> dict[str, StoredObject]:
        keys = output_keys(job.source.key)
        accept = job.pipeline.accept_of(job.source.key)
        pieces = Pieces(self.work_bucket, job.job_id)
        target = Target(self.output_bucket, keys.predictions, accept)
        outputs = {"predictions": self.compose(pieces.of_job(results, "out"), target)}
        if any(each.error_bytes for each in results):
            target = Target(self.output_bucket, keys.errors, JSON_LINES)
            outputs["errors"] = self.compose(pieces.of_job(results, "errors"), target)
        return outputs

    def _put_manifest(self, job: Job, ending: Ending) -> str | None:
        """Its location; None where the job's key leaves no room for its name."""
        if ending.failure and ending.failure.code == "KeyTooLong":
            return None
        if ending.redriven and job.redrive:
            # It was replaced when the redrive was merged.
            return f"s3://{self.output_bucket}/{job.redrive.manifest.key}"
        key = output_keys(job.source.key).manifest
        document = json.dumps(build_manifest(job, ending), ensure_ascii=False, indent=2)
        self.objects.put(self.output_bucket, key, document.encode() + b"\n", JSON)
        return f"s3://{self.output_bucket}/{key}"


def check_conservation(job: Job, results: Sequence[SegmentResult]) -> None:
    """Records in = predictions + error lines.

    Raises:
        PermanentError: `ConservationViolated`; a bug of ours, and never to be delivered silently.
    """
    expected = job.totals.records if job.totals else 0
    found = _tally(results).total
    if found != expected:
        message = f"the input has {expected} records, the output accounts for {found}"
        raise PermanentError("ConservationViolated", message)


def _tally(results: Sequence[SegmentResult]) -> Tally:
    return Tally(
        succeeded=sum(each.succeeded for each in results),
        failed=sum(each.failed for each in results),
        unfinished=sum(each.unfinished for each in results),
    )


def _runs(results: Sequence[SegmentResult]) -> Iterator[Served]:
    for each in results:
        yield from each.served or [Served(None, 0, each.succeeded + each.failed)]


def _effort(results: Sequence[SegmentResult]) -> Effort:
    efforts = (Effort(each.attempts, each.retries, each.staged) for each in results)
    return sum(efforts, Effort())


def failed_ending(job: Job, failure: Failure, now: float) -> Ending:
    """Nothing is delivered but the reason."""
    tally = Tally(succeeded=0, failed=job.totals.records if job.totals else 0)
    return Ending(JobStatus.FAILED, failure, tally, Effort(), now, {})


def _stopped_ending(stop: Stop, now: float) -> Ending:
    """Of a job that was stopped before it was split: nothing is known of its records."""
    failure = Failure(stop.code, stop.message)
    return Ending(stop.status, failure, Tally(succeeded=0, failed=0), Effort(), now, {})
