"""From the end of a transform job to a notification for each of its chunks."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from penstock.domain.errors import PermanentError
from penstock.domain.identity import InferenceId
from penstock.domain.job import Job
from penstock.domain.transform_event import TransformEvent
from penstock.domain.transform_job import (
    Report,
    Stage,
    Status,
    TransformJob,
    inference_of,
    outputs_by_member,
    pauses_of,
    place_of,
)
from penstock.domain.transform_trouble import (
    Evidence,
    doubted,
    is_breakdown,
    missing_output,
    spared,
)
from penstock.domain.trouble import Kind, Trouble
from penstock.ports import JobTable, Journal, ObjectRef, ObjectStore, Queues
from penstock.use_cases.look_at_group import LookAtGroup

TRIED_FIRST = 3
"""Answers that are collected at once, so that chunks which failed find that the model is well."""

Notifications = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CollectTransform:
    """Tells of each chunk what SageMaker would tell of an asynchronous invocation."""

    objects: ObjectStore
    table: JobTable
    queues: Queues
    look: LookAtGroup
    collect: Callable[[dict[str, Any]], None]
    journal: Journal
    now: Callable[[], float]
    work_bucket: str

    def __call__(self, document: dict[str, Any]) -> None:
        """Of EventBridge's event. Raises PermanentError if it is about somebody else's job."""
        event = TransformEvent.parse(document)
        job_id, group, number = place_of(event.name)
        if not event.report.status.terminal:
            return
        job = self.table.get_job(job_id)
        if job is None or job.status.terminal:
            return
        for transform in self.table.get_transforms(job_id):
            if (transform.group, transform.number) == (group, number):
                self.ended(job, transform, event.report)

    def ended(self, job: Job, transform: TransformJob, report: Report) -> None:
        """Said more than once, it is told once, unless the function dies before it has."""
        if transform.stage is Stage.COLLECTED:
            return
        ended = transform.reached(Stage.ENDED, self.now(), transform.report or report)
        if self.table.put_transform(ended):
            self.journal(
                "TransformEnded",
                job_id=job.job_id,
                transform=transform.name,
                status=str(report.status),
                reason=report.reason,
            )
        self.tell(job, ended)

    def tell(self, job: Job, transform: TransformJob, only: Collection[str] | None = None) -> None:
        """Of all chunks of the transform job, or only of those that have got lost."""
        members = {each: inference_of(job.job_id, each) for each in self.look.members(transform)}
        outputs, trouble = self._outputs(job, transform)
        evidence = Evidence.of(members, outputs)
        told = members if only is None else only
        done = [
            _completed(job, members[each], self._uri(outputs[each]))
            for each in told
            if each in outputs
        ]
        failed = [
            _failed(each, members[each], _weighed(job, each, members[each], trouble, evidence))
            for each in told
            if each not in outputs
        ]
        rest = done[self._collected_at_once(job, done) :] + failed
        if rest:
            self.queues.results(job.job_id, rest)
        self.table.put_transform(transform.reached(Stage.COLLECTED, self.now()))

    def _collected_at_once(self, job: Job, done: Notifications) -> int:
        for number, notification in enumerate(done[:TRIED_FIRST]):
            fresh = self.table.get_job(job.job_id)
            if fresh is None or fresh.predicted_at is not None:
                return number
            self.collect(notification)
        return len(done[:TRIED_FIRST])

    def _outputs(self, job: Job, transform: TransformJob) -> tuple[dict[str, str], Trouble]:
        """Keys by object, and what is wrong with those that have none."""
        report = transform.report or Report(Status.STOPPED)
        found: dict[str, str] = {}
        if report.status is not Status.REFUSED:
            prefix = transform.output_prefix
            found = outputs_by_member(prefix, self.objects.keys(self.work_bucket, prefix))
        trouble = missing_output(report, any_output=bool(found))
        if transform.only is None or not found:
            return found, trouble
        changed = self._changed(job)
        return ({}, changed) if changed else ({transform.only: next(iter(found.values()))}, trouble)

    def _changed(self, job: Job) -> Trouble | None:
        """SageMaker knows no versions: what it read is known if the input is still the same."""
        try:
            newest = ObjectRef(job.source.bucket, job.source.key, etag=job.source.etag)
            self.objects.read_range(newest, 0, 1)
        except PermanentError as error:
            return Trouble(Kind.RETRYABLE, error.code, error.message)
        return None

    def _uri(self, key: str) -> str:
        return f"s3://{self.work_bucket}/{key}"


def _completed(job: Job, inference: InferenceId, location: str) -> dict[str, Any]:
    accept = job.pipeline.accept_of(job.source.key)
    return {
        "inferenceId": str(inference),
        "invocationStatus": "Completed",
        "responseParameters": {"outputLocation": location, "contentType": accept},
    }


def _failed(member: str, inference: InferenceId, trouble: Trouble) -> dict[str, Any]:
    return {
        "inferenceId": str(inference),
        "pauses": pauses_of(member),
        "invocationStatus": "Failed",
        "failureReason": trouble.message,
        "trouble": asdict(trouble),
    }


def _weighed(
    job: Job, member: str, inference: InferenceId, trouble: Trouble, evidence: Evidence
) -> Trouble:
    """What it is to one object, now that the others were looked at."""
    if is_breakdown(trouble):
        predicted = job.predicted_at is not None
        spares = evidence.spares(inference, pauses_of(member), predicted=predicted)
        return spared(trouble) if spares else trouble
    may_retry = job.pipeline.retry.allows(inference.attempt, trouble.code)
    return doubted(trouble) if may_retry and evidence.leaves_doubt(inference) else trouble
