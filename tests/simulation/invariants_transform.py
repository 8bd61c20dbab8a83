"""What must hold of the transform jobs of a run. Each check yields what it finds wrong."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from penstock.domain.transform_job import Stage, TransformJob
from tests.simulation.scheduler import SimulatedWorld


def transform_jobs_are_on_record(world: SimulatedWorld) -> Iterator[str]:
    """What SageMaker was asked for, and nothing else."""
    known = world.table.transforms
    for name in world.transforms.reports:
        if name not in known:
            yield f"SageMaker has {name}, of which nothing is on record"
    for name, report in world.transforms.reports.items():
        if not report.status.terminal:
            yield f"{name} is still {report.status}"


def an_attempt_is_in_one_transform_job(world: SimulatedWorld) -> Iterator[str]:
    counts = Counter(
        (each.job_id, name)
        for each in world.table.transforms.values()
        for name in members(world, each)
    )
    for (_, name), count in counts.items():
        if count > 1:
            yield f"{name} is in {count} transform jobs"


def the_manifest_lists_the_transform_jobs(
    world: SimulatedWorld, job_id: str, manifest: dict[str, Any]
) -> Iterator[str]:
    """Each with what it cost; of those that had ended by then, how."""
    if not world.scenario.transform:
        return
    told = {each["name"]: each for each in manifest["transform_jobs"]}
    ours = [each for each in world.table.transforms.values() if each.job_id == job_id]
    for each in ours:
        document = told.get(each.name)
        if document is None:
            yield f"{each.name} is missing in the manifest"
        elif each.stage is Stage.COLLECTED and each.billed_seconds < 0:
            yield f"{each.name} was billed {each.billed_seconds} s"


def members(world: SimulatedWorld, transform: TransformJob) -> list[str]:
    if transform.only:
        return [transform.only]
    names: list[str] = json.loads(world.objects.body("work", transform.manifest))[1:]
    return names
