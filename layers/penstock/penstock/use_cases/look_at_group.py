"""How the chunks of one group stand with their transform jobs."""

from collections.abc import Iterable
from dataclasses import dataclass

from penstock.domain.fan_in import FAN_OUT
from penstock.domain.gathering import Look
from penstock.domain.job import Job
from penstock.domain.transform_job import TransformJob, names_in
from penstock.ports import JobTable, ObjectRef, ObjectStore
from penstock.use_cases.sweep_segment import is_complete


@dataclass(frozen=True, slots=True)
class LookAtGroup:
    """Reads the open segments of the group, and which objects its transform jobs have."""

    objects: ObjectStore
    table: JobTable
    work_bucket: str

    def __call__(self, job: Job, group: int, transforms: Iterable[TransformJob]) -> Look:
        places = {
            member: transform
            for transform in transforms
            if transform.group == group
            for member in self.members(transform)
        }
        look = Look()
        for segment in self._open_segments(job, group):
            states = self.table.get_segment(job.job_id, segment)
            look.note(states, places)
            look.pending |= not is_complete(states)
        return look

    def members(self, transform: TransformJob) -> list[str]:
        if transform.only:
            return [transform.only]
        return names_in(self.objects.read(ObjectRef(self.work_bucket, transform.manifest)))

    def _open_segments(self, job: Job, group: int) -> list[int]:
        segments = job.totals.segments if job.totals else 0
        results = self.table.get_segment_results_of(job.job_id, group)
        done = {result.segment for result in results}
        numbers = range(group * FAN_OUT, min((group + 1) * FAN_OUT, segments))
        return [number for number in numbers if number not in done]
