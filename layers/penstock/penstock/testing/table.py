"""The job table in memory."""

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from penstock.domain.chunk import ChunkState, Outcome
from penstock.domain.fan_in import FAN_OUT, Step
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job, JobStatus, Stop
from penstock.domain.segment_result import SegmentResult
from penstock.domain.splitting import RegionSummary
from penstock.domain.transform_job import TransformJob


class FakeTable:
    """JobTable."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.sweeps: dict[str, float] = {}
        self.regions: dict[tuple[str, int], RegionSummary] = {}
        self.chunks: dict[tuple[str, ChunkPath], ChunkState] = {}
        self.results: dict[tuple[str, int], SegmentResult] = {}
        self.done: defaultdict[tuple[str, str, int, int], set[int]] = defaultdict(set)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.claims: dict[str, str] = {}
        self.transforms: dict[str, TransformJob] = {}

    def claim(self, name: str, job_id: str, replacing: str | None) -> str:
        if self.claims.get(name) in (None, replacing):
            self.claims[name] = job_id
        return self.claims[name]

    def create_job(self, job: Job) -> bool:
        if job.job_id in self.jobs:
            return False
        self.jobs[job.job_id] = job
        self.sweeps[job.job_id] = job.created_at
        return True

    def get_job(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def update_job(self, job_id: str, unless: frozenset[JobStatus], **fields: Any) -> bool:
        job = self.jobs.get(job_id)
        if job is None or job.status in unless:
            return False
        known = {name: value for name, value in fields.items() if value is not None}
        self.jobs[job_id] = replace(job, **known)
        if self.jobs[job_id].status.terminal:
            self.sweeps.pop(job_id, None)
        return True

    def stop_job(self, job_id: str, stop: Stop) -> bool:
        job = self.jobs.get(job_id)
        if job is None or job.status.terminal or job.stop:
            return False
        self.jobs[job_id] = replace(job, stop=stop)
        self.sweeps[job_id] = 0.0
        return True

    def claim_probe(self, job_id: str, path: ChunkPath, replacing: str | None) -> bool:
        job = self.jobs.get(job_id)
        if job is None or job.probe not in (None, replacing, str(path)):
            return False
        self.jobs[job_id] = replace(job, probe=str(path))
        return True

    def count(self, job_id: str, name: str, number: int) -> int:
        self.counts[job_id, name] += number
        return self.counts[job_id, name]

    def jobs_to_sweep(self, now: float, limit: int) -> list[str]:
        due = sorted((at, job_id) for job_id, at in self.sweeps.items() if at <= now)
        return [job_id for _, job_id in due[:limit]]

    def put_off_sweep(self, job_id: str, sweep_at: float, sweep_from: int) -> None:
        if job_id in self.sweeps:
            self.sweeps[job_id] = sweep_at
            self.jobs[job_id] = replace(self.jobs[job_id], sweep_from=sweep_from)

    def put_region(self, job_id: str, region: int, summary: RegionSummary) -> None:
        self.regions[job_id, region] = summary

    def get_regions(self, job_id: str, regions: int) -> list[RegionSummary]:
        wanted = ((job_id, number) for number in range(regions))
        return [self.regions[key] for key in wanted if key in self.regions]

    def mark_done(self, job_id: str, kind: str, step: Step) -> int:
        children = self.done[job_id, kind, step.level, step.node]
        children.add(step.child)
        return len(children)

    def children_done(self, job_id: str, kind: str) -> frozenset[int]:
        return frozenset(self.done.get((job_id, kind, 0, 0), ()))

    def get_chunk(self, job_id: str, path: ChunkPath) -> ChunkState | None:
        return self.chunks.get((job_id, path))

    def record_attempt(self, job_id: str, state: ChunkState) -> None:
        known = self.chunks.get((job_id, state.path))
        if known is None or known.attempt <= state.attempt:
            outcome = known.outcome if known else None
            self.chunks[job_id, state.path] = replace(state, outcome=outcome)

    def note_hold(self, job_id: str, path: ChunkPath, pauses: int) -> None:
        known = self.chunks.get((job_id, path), ChunkState(path))
        self.chunks[job_id, path] = replace(known, holds=max(known.holds, pauses))

    def settle(self, job_id: str, path: ChunkPath, outcome: Outcome) -> bool:
        known = self.chunks.get((job_id, path), ChunkState(path))
        if known.outcome:
            return False
        self.chunks[job_id, path] = replace(known, outcome=outcome)
        return True

    def get_segment(self, job_id: str, segment: int) -> list[ChunkState]:
        paths = sorted(
            path for owner, path in self.chunks if owner == job_id and path.segment == segment
        )
        return [self.chunks[job_id, path] for path in paths]

    def put_segment_result(self, job_id: str, result: SegmentResult) -> None:
        self.results[job_id, result.segment] = result

    def get_segment_result(self, job_id: str, segment: int) -> SegmentResult | None:
        return self.results.get((job_id, segment))

    def get_segment_results_of(self, job_id: str, node: int) -> list[SegmentResult]:
        wanted = ((job_id, number) for number in range(node * FAN_OUT, (node + 1) * FAN_OUT))
        return [self.results[key] for key in wanted if key in self.results]

    def get_segment_results(self, job_id: str, segments: int) -> list[SegmentResult]:
        wanted = ((job_id, number) for number in range(segments))
        return [self.results[key] for key in wanted if key in self.results]

    def put_transform(self, transform: TransformJob) -> bool:
        known = self.transforms.get(transform.name)
        if known and _progress(known) >= _progress(transform):
            return False
        self.transforms[transform.name] = transform
        return True

    def get_transforms(self, job_id: str) -> list[TransformJob]:
        found = (each for each in self.transforms.values() if each.job_id == job_id)
        return sorted(found, key=lambda each: (each.group, each.number))


def _progress(transform: TransformJob) -> tuple[int, int]:
    return transform.stage, transform.refusals
