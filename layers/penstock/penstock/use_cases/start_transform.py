"""From chunks that are staged to a transform job."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.domain.envelopes import bad_message, optional_field
from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.gathering import Next, shares, what_next
from penstock.domain.job import Job
from penstock.domain.remedies import advised
from penstock.domain.retry import RetryPolicy, backoff
from penstock.domain.transform_job import (
    MOST_OBJECTS,
    Report,
    Stage,
    Status,
    TransformJob,
    input_prefix,
    manifest_of,
)
from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import Kind, Trouble
from penstock.ports import JobTable, Journal, ObjectRef, ObjectStore, Queues
from penstock.ports_transform import TransformRequest, Transforms
from penstock.use_cases import messages
from penstock.use_cases.collect_transform import CollectTransform

_WAIT = RetryPolicy(initial_interval=5.0, maximum_interval=300.0)
"""Between two tries to create a transform job that SageMaker has no room for."""


@dataclass(frozen=True, slots=True)
class StartTransform:
    """Looks at the chunks of a group that are ready, and has them transformed.

    What goes into a transform job is on record before SageMaker hears of it, under a number that
    only one function gets. So it can be created again, under the same name: SageMaker refuses.
    """

    objects: ObjectStore
    table: JobTable
    queues: Queues
    transforms: Transforms
    collect: CollectTransform
    journal: Journal
    now: Callable[[], float]
    uniform: Callable[[float, float], float]
    work_bucket: str
    window: int

    def __call__(self, message: dict[str, Any]) -> None:
        messages.checked(message, "gather")
        job = self.table.get_job(message["job_id"])
        if job is None or job.status.terminal or self.now() >= job.deadline_at:
            return
        if job.pipeline.invoke.transform is None:
            raise bad_message("the job's model is not run by transform jobs")
        transforms = self.table.get_transforms(job.job_id)
        ours = [each for each in transforms if each.group == message["group"]]
        if job.stop:
            self._send_back(job, message["group"], ours)
            return
        self._tell_of_refused(job, ours)
        # The function that planned them died, or SageMaker had no room for them.
        planned = [each for each in ours if each.stage is Stage.PLANNED]
        refusals = optional_field(message, "pauses", int) or 0
        if planned and not planned[0].is_left_to(refusals, self.now()):
            return
        if self._create_all(job, planned):
            self._gather(job, message, ours)

    def _send_back(self, job: Job, group: int, ours: list[TransformJob]) -> None:
        """Chunks of a job that was stopped go to invoke_model, which settles them."""
        ready = self.collect.look(job, group, ours).ready
        if ready:
            self.queues.invoke(job.job_id, list(ready.values()))

    def _tell_of_refused(self, job: Job, transforms: list[TransformJob]) -> None:
        """The function to which SageMaker refused one may have died before it had told."""
        for each in transforms:
            if each.stage is Stage.ENDED and each.report and each.report.status is Status.REFUSED:
                self.collect.tell(job, each)

    def _gather(self, job: Job, message: dict[str, Any], ours: list[TransformJob]) -> None:
        group = message["group"]
        look = self.collect.look(job, group, ours)
        match what_next(look, message.get("seen")):
            case Next.WAIT:
                again = messages.gather(job.job_id, group, seen=len(look.ready))
                self.queues.transform(job.job_id, [again], self.window)
            case Next.START:
                members = shares(look.ready, MOST_OBJECTS, len(ours))
                self._start(job, group, len(ours), members)

    def _start(self, job: Job, group: int, number: int, ready: list[list[str]]) -> None:
        planned: list[TransformJob] = []
        for members in ready:
            transform = self._planned(job, group, number + len(planned), members)
            if not self.table.put_transform(transform):
                text = f"{transform.name} was planned meanwhile"
                raise RetryableError("TransformPlanned", text)
            planned.append(transform)
        self._create_all(job, planned)

    def _create_all(self, job: Job, transforms: list[TransformJob]) -> bool:
        """Whether SageMaker has taken them all. None is tried after one that it hasn't."""
        return all(self._create(job, each) for each in transforms)

    def _planned(self, job: Job, group: int, number: int, members: list[str]) -> TransformJob:
        only = members[0] if self._is_the_input(job, members) else None
        prefix, names = f"s3://{self.work_bucket}/{input_prefix(job.job_id)}", members
        if only:
            prefix, names = f"s3://{job.source.bucket}/", [job.source.key]
        body = manifest_of(prefix, names)
        # Two functions may plan the same number; the one that is noted has its own list.
        digest = hashlib.sha256(body).hexdigest()[:16]
        key = f"transform/{job.job_id}/jobs/{group}-{number}-{digest}.json"
        self.objects.put(self.work_bucket, key, body, "application/json")
        transform = job.pipeline.invoke.transform
        return TransformJob(
            job_id=job.job_id,
            group=group,
            number=number,
            chunks=len(members),
            instances=transform.instance_count if transform else 1,
            manifest=key,
            at=self.now(),
            only=only,
        )

    def _is_the_input(self, job: Job, members: list[str]) -> bool:
        """Whether no object was written for the job's one chunk: then the input is the object."""
        if job.totals is None or job.totals.chunks != 1 or len(members) != 1:
            return False
        try:
            ref = ObjectRef(self.work_bucket, input_prefix(job.job_id) + members[0])
            self.objects.read_range(ref, 0, 1)
        except PermanentError as error:
            return error.code == "ObjectNotFound"
        return False

    def _create(self, job: Job, transform: TransformJob) -> bool:
        """Whether SageMaker has taken it."""
        try:
            self.transforms.create(self._request(job, transform))
        except CreationError as error:
            self._not_created(job, transform, error.trouble)
            return False
        self.journal(
            "TransformStarted", job_id=job.job_id, transform=transform.name, chunks=transform.chunks
        )
        running = transform.reached(Stage.RUNNING, self.now())
        if not self.table.put_transform(running):
            self._stop_if_unwanted(job, transform)
        return True

    def _stop_if_unwanted(self, job: Job, transform: TransformJob) -> None:
        """The sweep may have found nothing to stop right before it was there."""
        fresh = self.table.get_job(job.job_id)
        if fresh is None or fresh.stop or fresh.status.terminal:
            self.transforms.stop(transform.name)

    def _request(self, job: Job, transform: TransformJob) -> TransformRequest:
        pipeline, key = job.pipeline, job.source.key
        return TransformRequest(
            name=transform.name,
            invoke=pipeline.invoke,
            content_type=pipeline.content_type_of(key),
            accept=pipeline.accept_of(key),
            timeout=pipeline.longest_timeout,
            manifest=f"s3://{self.work_bucket}/{transform.manifest}",
            output=f"s3://{self.work_bucket}/{transform.output_prefix}",
        )

    def _not_created(self, job: Job, transform: TransformJob, trouble: Trouble) -> None:
        if trouble.kind is Kind.RETRYABLE:
            raise RetryableError(trouble.code, trouble.message)
        if trouble.kind is Kind.UNAVAILABLE:
            self._wait(job, transform, trouble)
        else:
            self._refused(job, transform, trouble)

    def _wait(self, job: Job, transform: TransformJob, trouble: Trouble) -> None:
        """Whoever looks meanwhile leaves it to the message that is sent here."""
        delay = round(backoff(_WAIT, transform.refusals + 1, self.uniform))
        waiting = transform.no_room(self.now() + delay)
        self.journal("TransformWaits", job_id=job.job_id, code=trouble.code, delay=delay)
        again = messages.gather(job.job_id, transform.group, pauses=waiting.refusals)
        self.queues.transform(job.job_id, [again], delay)
        # Noted after it was sent: who dies in between sends a copy, but loses nothing.
        self.table.put_transform(waiting)

    def _refused(self, job: Job, transform: TransformJob, trouble: Trouble) -> None:
        """Each chunk is told so; the first stops the job, unless others were predicted before."""
        message = advised(trouble.code, trouble.message)
        self.collect.ended(job, transform, Report(Status.REFUSED, trouble.code, message))
