"""What of a job's transform jobs was lost, and those that nobody wants any more."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from penstock.domain.job import Job
from penstock.domain.transform_job import Report, Stage, Status, TransformJob, member_of
from penstock.ports import JobTable, Journal, Queues
from penstock.ports_transform import Transforms
from penstock.use_cases import messages
from penstock.use_cases.collect_transform import CollectTransform

LOOKS = 20
"""Transform jobs of a job that a run asks about: the quota is for five calls a second."""

LONGEST_STOP = 1800.0
"""Seconds that a job which was stopped waits for its transform jobs to end."""

SETTLING = 60.0
"""Seconds in which the chunks of a transform job that has ended find their outcomes."""


@dataclass(frozen=True, slots=True)
class SweepTransforms:
    """Asks SageMaker how transform jobs stand of which nothing was heard; stops them in the end."""

    table: JobTable
    queues: Queues
    transforms: Transforms
    collect: CollectTransform
    journal: Journal
    now: Callable[[], float]
    patience: float

    def stopping(self, job: Job) -> bool:
        """Whether transform jobs of a job that was stopped are still to be waited for."""
        transforms = self.table.get_transforms(job.job_id)
        self._visit(job, transforms, unwanted=True)
        if job.stop is None or self.now() >= job.stop.at + LONGEST_STOP:
            return False
        fresh = self.table.get_transforms(job.job_id)
        return any(
            each.stage is not Stage.COLLECTED or self.now() < each.at + SETTLING for each in fresh
        )

    def __call__(self, job: Job, groups: Iterable[int]) -> None:
        """`groups` have segments that are not assembled."""
        transforms = self.table.get_transforms(job.job_id)
        overdue = self.now() >= job.deadline_at
        self._visit(job, transforms, unwanted=overdue)
        for group in () if overdue else groups:
            self._look_for_chunks(job, group, transforms)

    def _visit(self, job: Job, transforms: list[TransformJob], *, unwanted: bool) -> None:
        due = [each for each in transforms if self._is_due(each, unwanted=unwanted)]
        for each in due[:LOOKS]:
            if each.stage is Stage.ENDED:
                self.collect.tell(job, each)
            else:
                self._ask(job, each, unwanted=unwanted)

    def _is_due(self, transform: TransformJob, *, unwanted: bool) -> bool:
        if transform.stage is Stage.COLLECTED:
            return False
        return unwanted or self.now() >= transform.at + self.patience

    def _ask(self, job: Job, transform: TransformJob, *, unwanted: bool) -> None:
        if unwanted:
            self.transforms.stop(transform.name)
        report = self.transforms.describe(transform.name)
        if report is None and unwanted:
            report = Report(Status.STOPPED)
        if report and report.status.terminal:
            self.journal("TransformFound", job_id=job.job_id, transform=transform.name)
            self.collect.ended(job, transform, report)

    def _look_for_chunks(self, job: Job, group: int, transforms: list[TransformJob]) -> None:
        look = self.collect.look(job, group, transforms)
        planned = any(each.stage is Stage.PLANNED and each.group == group for each in transforms)
        if look.ready or planned:
            self.queues.transform(job.job_id, [messages.gather(job.job_id, group)])
        lost: defaultdict[TransformJob, list[str]] = defaultdict(list)
        for state, transform in look.told:
            since = max(state.invoked_at or 0.0, transform.at)
            member = member_of(state)
            if member and self.now() >= since + self.patience:
                # Its time begins anew, as the next attempt may have to wait before it is on record.
                self.table.record_attempt(job.job_id, replace(state, invoked_at=self.now()))
                lost[transform].append(member)
        for transform, members in lost.items():
            self.journal("NotificationsLost", job_id=job.job_id, chunks=len(members))
            self.collect.tell(job, transform, members)
