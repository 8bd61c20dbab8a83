"""Builds the use cases from the environment: the one place where everything meets."""

import random
import time
from collections.abc import Callable
from functools import cache, lru_cache
from threading import Lock

from penstock.adapters.admissions import DynamoDbAdmissions
from penstock.adapters.announcements import AwsAnnouncer
from penstock.adapters.aws import client
from penstock.adapters.dynamodb import DynamoDbTable
from penstock.adapters.s3 import S3Objects
from penstock.adapters.sagemaker import SageMakerModel
from penstock.adapters.sqs import SqsQueues
from penstock.domain.endpoint_names import EndpointNames
from penstock.domain.job import Job
from penstock.ports import Journal
from penstock.selection import compile_selection
from penstock.settings import Settings
from penstock.use_cases.abort_leaks import AbortLeaks
from penstock.use_cases.accept_answer import AcceptAnswer
from penstock.use_cases.accept_upload import AcceptUpload
from penstock.use_cases.after_failure import AfterFailure
from penstock.use_cases.ask_model import AskModel
from penstock.use_cases.assemble_output import AssembleSegment
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
from penstock.use_cases.recover_permits import RecoverPermits
from penstock.use_cases.send_chunk import SendChunk
from penstock.use_cases.settle_chunk import SettleChunk
from penstock.use_cases.split_input import SplitInput
from penstock.use_cases.sweep_jobs import SweepJobs
from penstock.use_cases.sweep_segment import SweepSegment

JOB_MEMORY = 5.0
"""Seconds that a function trusts its memory of a job, so that a batch reads it once."""


def accept_upload(settings: Settings, journal: Journal) -> AcceptUpload:
    return AcceptUpload(
        objects=_objects(),
        table=_table(settings),
        queues=_queues(settings),
        announcer=_announcer(settings),
        journal=journal,
        now=time.time,
        default_pipeline=settings.default_pipeline,
        region_bytes=settings.region_bytes,
        input_bucket=settings.input_bucket,
        output_bucket=settings.output_bucket,
        endpoints=EndpointNames.parse(settings.endpoint_names),
    )


def split_input(settings: Settings, journal: Journal) -> SplitInput:
    return SplitInput(
        objects=_objects(),
        table=_table(settings),
        queues=_queues(settings),
        journal=journal,
        now=time.time,
        work_bucket=settings.work_bucket,
    )


def invoke_model(settings: Settings, journal: Journal) -> InvokeModel:
    objects, table = _objects(), _table(settings)
    after_failure = _after_failure(settings, journal)
    model, work_bucket = SageMakerModel(), settings.work_bucket
    return InvokeModel(
        table=table,
        prepare=PrepareChunk(objects, lru_cache(maxsize=64)(objects.read_range)),
        send=SendChunk(objects, table, model, journal, time.time, work_bucket),
        ask=AskModel(objects, table, model, _accept(), journal, time.time, work_bucket),
        after_failure=after_failure,
        entrance=_entrance(settings, journal),
        exit=_exit(settings, journal),
        get_job=remembered(table.get_job),
        now=time.time,
    )


def collect_result(settings: Settings, journal: Journal) -> CollectResult:
    table = _table(settings)
    after_failure = _after_failure(settings, journal)
    return CollectResult(
        objects=_objects(),
        table=table,
        settle=after_failure.settle,
        after_failure=after_failure,
        exit=_exit(settings, journal),
        get_job=remembered(table.get_job),
        accept=_accept(),
        now=time.time,
        work_bucket=settings.work_bucket,
    )


def _accept() -> AcceptAnswer:
    return AcceptAnswer(lru_cache(compile_selection), time.time)


def _after_failure(settings: Settings, journal: Journal) -> AfterFailure:
    table, queues = _table(settings), _queues(settings)
    settle = SettleChunk(table, queues, journal)
    probation = Probation(table, journal, time.time)
    isolate = IsolateFault(
        objects=_objects(),
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
    objects = _objects()
    return FinishJob(
        objects=objects,
        table=_table(settings),
        announcer=_announcer(settings),
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
    objects, table = _objects(), _table(settings)
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
    table, queues = _table(settings), _queues(settings)
    collect = collect_result(settings, journal)
    segment = SweepSegment(
        objects=_objects(),
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
        recover_permits=RecoverPermits(collect.exit.lanes, journal, time.time),
        exit=collect.exit,
        abort_leaks=_abort_leaks(settings, journal),
        journal=journal,
        now=time.time,
        patience=settings.sweep_grace,
    )


def _abort_leaks(settings: Settings, journal: Journal) -> AbortLeaks:
    return AbortLeaks(_objects(), journal, time.time, settings.work_bucket, settings.output_bucket)


def handle_dead_letter(settings: Settings, journal: Journal) -> HandleDeadLetter:
    table, queues = _table(settings), _queues(settings)
    return HandleDeadLetter(
        table=table,
        queues=queues,
        settle=SettleChunk(table, queues, journal),
        exit=_exit(settings, journal),
        journal=journal,
        now=time.time,
    )


def remembered(
    get_job: Callable[[str], Job | None], now: Callable[[], float] = time.monotonic
) -> Callable[[str], Job | None]:
    """The same answers, up to JOB_MEMORY old: a stop takes effect within that time."""

    @lru_cache(maxsize=64)
    def read(job_id: str, _period: int) -> Job | None:
        return get_job(job_id)

    # The messages of a batch ask at the same time: one of them reads, the others get its answer.
    asking = Lock()

    def remember(job_id: str) -> Job | None:
        with asking:
            return read(job_id, int(now() / JOB_MEMORY))

    return remember


def _entrance(settings: Settings, journal: Journal) -> Entrance:
    lanes, queues = _lanes(settings, journal), _queues(settings)
    return Entrance(lanes, queues, journal, time.time, random.uniform)


def _exit(settings: Settings, journal: Journal) -> Exit:
    return Exit(_lanes(settings, journal), journal, time.time)


def _lanes(settings: Settings, journal: Journal) -> Lanes:
    table = _table(settings)
    admissions = DynamoDbAdmissions(table.dynamodb, settings.table, time.time, settings.retention)
    return Lanes(admissions, journal, time.time, settings.endpoint_concurrency)


# Cached: use cases of one function share its clients, which take long to make at a cold start.
@cache
def _objects() -> S3Objects:
    return S3Objects(client("s3"))


@cache
def _table(settings: Settings) -> DynamoDbTable:
    return DynamoDbTable(client("dynamodb"), settings.table, time.time, settings.retention)


@cache
def _queues(settings: Settings) -> SqsQueues:
    return SqsQueues(
        client("sqs"),
        settings.split_queue_url,
        settings.invoke_queue_url,
        settings.assemble_queue_url,
    )


def _announcer(settings: Settings) -> AwsAnnouncer:
    return AwsAnnouncer(
        sns=client("sns"),
        events=client("events"),
        success_topic=settings.success_topic,
        failure_topic=settings.failure_topic,
        event_bus=settings.event_bus,
    )
