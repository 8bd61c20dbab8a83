"""Builds the use cases from the environment: the one place where everything meets."""

import random
import time
from collections.abc import Callable
from functools import lru_cache

from penstock.adapters.admissions import DynamoDbAdmissions
from penstock.adapters.sagemaker import SageMakerModel
from penstock.bootstrap_ports import (
    announcer_of,
    endpoints_of,
    objects_of,
    queues_of,
    table_of,
    transforms_of,
)
from penstock.bootstrap_transform import collect_transform, stage_chunk, sweep_transforms
from penstock.domain.endpoint_names import EndpointNames, model_names
from penstock.job_memory import JobMemory
from penstock.ports import Journal
from penstock.selection import compile_selection
from penstock.settings import Settings
from penstock.use_cases.abort_leaks import AbortLeaks
from penstock.use_cases.accept_answer import AcceptAnswer
from penstock.use_cases.accept_upload import AcceptUpload
from penstock.use_cases.after_failure import AfterFailure
from penstock.use_cases.ask_model import AskModel
from penstock.use_cases.assemble_output import AssembleSegment
from penstock.use_cases.attempt_chunk import AttemptChunk
from penstock.use_cases.collect_result import CollectResult
from penstock.use_cases.compose_object import ComposeObject
from penstock.use_cases.entrance import Entrance
from penstock.use_cases.exit import Exit
from penstock.use_cases.finish_job import FinishJob
from penstock.use_cases.handle_dead_letter import HandleDeadLetter
from penstock.use_cases.invoke_model import InvokeModel
from penstock.use_cases.isolate_fault import IsolateFault
from penstock.use_cases.lanes import Lanes
from penstock.use_cases.pieces import MergePieces
from penstock.use_cases.prepare_chunk import PrepareChunk
from penstock.use_cases.probation import Probation
from penstock.use_cases.record_attempt import RecordAttempt
from penstock.use_cases.recover_permits import RecoverPermits
from penstock.use_cases.send_chunk import SendChunk
from penstock.use_cases.settle_chunk import SettleChunk
from penstock.use_cases.split_input import SplitInput
from penstock.use_cases.start_transform import StartTransform
from penstock.use_cases.sweep_jobs import SweepJobs
from penstock.use_cases.sweep_segment import SweepSegment


def accept_upload(settings: Settings, journal: Journal) -> AcceptUpload:
    return AcceptUpload(
        objects=objects_of(),
        table=table_of(settings),
        queues=queues_of(settings),
        announcer=announcer_of(settings),
        journal=journal,
        now=time.time,
        default_pipeline=settings.default_pipeline,
        region_bytes=settings.region_bytes,
        input_bucket=settings.input_bucket,
        output_bucket=settings.output_bucket,
        endpoints=endpoints_of(),
        callable_endpoints=EndpointNames.parse(settings.endpoint_names),
        models=model_names(settings.model_names),
    )


def split_input(settings: Settings, journal: Journal) -> SplitInput:
    return SplitInput(
        objects=objects_of(),
        table=table_of(settings),
        queues=queues_of(settings),
        journal=journal,
        now=time.time,
        work_bucket=settings.work_bucket,
    )


def invoke_model(settings: Settings, journal: Journal) -> InvokeModel:
    objects, table = objects_of(), table_of(settings)
    get_job, after_failure = JobMemory(table.get_job), _after_failure(settings, journal)
    model, work_bucket = SageMakerModel(), settings.work_bucket
    record = RecordAttempt(table, journal, time.time)
    attempt = AttemptChunk(
        table=table,
        prepare=PrepareChunk(objects, lru_cache(maxsize=64)(objects.read_range)),
        send=SendChunk(objects, model, record, time.time, work_bucket),
        ask=AskModel(objects, model, _accept(), record, time.time, work_bucket),
        stage=stage_chunk(settings, record),
        after_failure=after_failure,
        entrance=_entrance(settings, journal),
        exit=_exit(settings, journal),
        get_job=get_job,
        now=time.time,
    )
    return InvokeModel(table, attempt, after_failure, get_job, time.time)


def collect_result(settings: Settings, journal: Journal) -> CollectResult:
    table = table_of(settings)
    after_failure = _after_failure(settings, journal)
    return CollectResult(
        objects=objects_of(),
        table=table,
        settle=after_failure.settle,
        after_failure=after_failure,
        exit=_exit(settings, journal),
        get_job=JobMemory(table.get_job),
        accept=_accept(),
        now=time.time,
        work_bucket=settings.work_bucket,
    )


def start_transform(settings: Settings, journal: Journal) -> StartTransform:
    collect = collect_transform(settings, journal, collect_result(settings, journal))
    return StartTransform(
        objects=objects_of(),
        table=table_of(settings),
        queues=queues_of(settings),
        transforms=transforms_of(),
        collect=collect,
        journal=journal,
        now=time.time,
        uniform=random.uniform,
        work_bucket=settings.work_bucket,
        window=settings.transform_window,
    )


def _accept() -> AcceptAnswer:
    return AcceptAnswer(lru_cache(compile_selection), time.time)


def _after_failure(settings: Settings, journal: Journal) -> AfterFailure:
    table, queues = table_of(settings), queues_of(settings)
    settle = SettleChunk(table, queues, journal)
    probation = Probation(table, journal, time.time)
    isolate = IsolateFault(
        objects=objects_of(),
        table=table,
        queues=queues,
        settle=settle,
        probation=probation,
        journal=journal,
        now=time.time,
        uniform=random.uniform,
    )
    return AfterFailure(
        table=table,
        queues=queues,
        settle=settle,
        isolate=isolate,
        probation=probation,
        journal=journal,
        now=time.time,
        uniform=random.uniform,
    )


def finish_job(settings: Settings, journal: Journal) -> FinishJob:
    objects = objects_of()
    return FinishJob(
        objects=objects,
        table=table_of(settings),
        announcer=announcer_of(settings),
        lanes=_lanes(settings, journal),
        journal=journal,
        compose=ComposeObject(objects),
        abort_leaks=_abort_leaks(settings, journal),
        now=time.time,
        work_bucket=settings.work_bucket,
        output_bucket=settings.output_bucket,
    )


def assemble_segment(
    settings: Settings, journal: Journal, finish: Callable[[str], None]
) -> AssembleSegment:
    objects, table = objects_of(), table_of(settings)
    return AssembleSegment(
        objects=objects,
        table=table,
        merge=MergePieces(table, ComposeObject(objects), settings.work_bucket),
        finish=finish,
        select=lru_cache(compile_selection),
        probation=Probation(table, journal, time.time),
        work_bucket=settings.work_bucket,
    )


def sweep_jobs(settings: Settings, journal: Journal) -> SweepJobs:
    table, queues = table_of(settings), queues_of(settings)
    collect = collect_result(settings, journal)
    segment = SweepSegment(
        objects=objects_of(),
        table=table,
        queues=queues,
        settle=SettleChunk(table, queues, journal),
        collect=collect,
        journal=journal,
        now=time.time,
        patience=settings.sweep_grace,
    )
    return SweepJobs(
        table=table,
        queues=queues,
        sweep_segment=segment,
        sweep_transforms=sweep_transforms(settings, journal, collect),
        recover_permits=RecoverPermits(collect.exit.lanes, journal, time.time),
        exit=collect.exit,
        abort_leaks=_abort_leaks(settings, journal),
        journal=journal,
        now=time.time,
        patience=settings.sweep_grace,
    )


def _abort_leaks(settings: Settings, journal: Journal) -> AbortLeaks:
    work, output = settings.work_bucket, settings.output_bucket
    return AbortLeaks(objects_of(), journal, time.time, work, output)


def handle_dead_letter(settings: Settings, journal: Journal) -> HandleDeadLetter:
    table, queues = table_of(settings), queues_of(settings)
    return HandleDeadLetter(
        table=table,
        queues=queues,
        settle=SettleChunk(table, queues, journal),
        exit=_exit(settings, journal),
        journal=journal,
        now=time.time,
    )


def _entrance(settings: Settings, journal: Journal) -> Entrance:
    lanes, queues = _lanes(settings, journal), queues_of(settings)
    return Entrance(lanes, queues, journal, time.time, random.uniform)


def _exit(settings: Settings, journal: Journal) -> Exit:
    return Exit(_lanes(settings, journal), journal, time.time)


def _lanes(settings: Settings, journal: Journal) -> Lanes:
    table = table_of(settings)
    admissions = DynamoDbAdmissions(table.dynamodb, settings.table, time.time, settings.retention)
    return Lanes(admissions, journal, time.time, settings.endpoint_concurrency)
