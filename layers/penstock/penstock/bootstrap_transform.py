"""Builds what Batch Transform adds to the functions."""

import time

from penstock.bootstrap_ports import objects_of, queues_of, table_of, transforms_of
from penstock.ports import Journal
from penstock.settings import Settings
from penstock.use_cases.collect_result import CollectResult
from penstock.use_cases.collect_transform import CollectTransform
from penstock.use_cases.look_at_group import LookAtGroup
from penstock.use_cases.record_attempt import RecordAttempt
from penstock.use_cases.stage_chunk import StageChunk
from penstock.use_cases.sweep_transforms import SweepTransforms


def stage_chunk(settings: Settings, record: RecordAttempt) -> StageChunk:
    return StageChunk(
        objects=objects_of(),
        queues=queues_of(settings),
        record=record,
        now=time.time,
        work_bucket=settings.work_bucket,
        window=settings.transform_window,
    )


def collect_transform(
    settings: Settings, journal: Journal, collect: CollectResult
) -> CollectTransform:
    """Of functions that collect results, too: a few of them at once."""
    return CollectTransform(
        objects=objects_of(),
        table=table_of(settings),
        queues=queues_of(settings),
        look=LookAtGroup(objects_of(), table_of(settings), settings.work_bucket),
        collect=collect,
        journal=journal,
        now=time.time,
        work_bucket=settings.work_bucket,
    )


def sweep_transforms(
    settings: Settings, journal: Journal, collect: CollectResult
) -> SweepTransforms:
    return SweepTransforms(
        table=table_of(settings),
        queues=queues_of(settings),
        transforms=transforms_of(),
        collect=collect_transform(settings, journal, collect),
        journal=journal,
        now=time.time,
        patience=settings.sweep_grace,
    )
