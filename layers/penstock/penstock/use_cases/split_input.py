"""From a region of the input to chunks in InvokeQueue.

Two kinds of message: `scan` reads a region and notes what it found; the last scan of a job decides
how the regions fit together and has each region's chunks sent, by `emit` messages. A job of one
region is done in one go.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job, JobStatus, Totals
from penstock.domain.pipeline import Pipeline
from penstock.domain.remedies import with_advice
from penstock.domain.splitting import (
    ByteRange,
    ChunkLimits,
    Dialect,
    Format,
    RegionScan,
    RegionScanner,
    Resolution,
    ResolvedRegion,
    chunks_of,
    plan_regions,
    resolve,
)
from penstock.ports import JobTable, Journal, ObjectRef, ObjectStore, Queues
from penstock.use_cases import messages
from penstock.use_cases.check_redrive import check_redrive
from penstock.use_cases.fail_job import TERMINAL, ask_to_finish, fail_job
from penstock.use_cases.fan_in import report_done

BLOCK = 1024**2
"""Bytes that are scanned at a time; the scanner's speed is level from here on."""

MESSAGES_AT_ONCE = 1000
"""Chunk messages held in memory."""

_SPLIT = frozenset({JobStatus.RUNNING, JobStatus.ASSEMBLING}) | TERMINAL


def dialect_of(job: Job) -> Dialect:
    """How the records of the job's input are told apart; of a redrive, its lines."""
    jsonl = Dialect(Format.JSONL)
    return jsonl if job.redrive else record_dialect_of(job.pipeline, job.source.key)


def record_dialect_of(pipeline: Pipeline, key: str) -> Dialect:
    """How the records of a file are told apart."""
    fmt = Format(pipeline.format_of(key))
    given = pipeline.input
    if fmt is not Format.CSV:
        return Dialect(fmt)
    return Dialect(fmt, given.delimiter, has_header=given.header != "absent")


def regions_of(job: Job) -> list[ByteRange]:
    """The job's regions; an empty file has one, of no bytes."""
    return plan_regions(job.source.size, job.region_bytes) or [ByteRange(0, 0)]


@dataclass(frozen=True, slots=True)
class SplitInput:
    """Scans a region, or emits the chunks of one."""

    objects: ObjectStore
    table: JobTable
    queues: Queues
    journal: Journal
    now: Callable[[], float]
    work_bucket: str

    def __call__(self, message: dict[str, Any]) -> None:
        messages.checked(message, "scan", "emit")
        job = self.table.get_job(message["job_id"])
        if job is None or job.status.terminal:
            return
        if job.failure or (job.stop and job.totals is None):
            # The function that noted it may have died before it asked.
            ask_to_finish(self.queues, job.job_id)
            return
        region = messages.region_of(message, len(regions_of(job)))
        try:
            if isinstance(region, ResolvedRegion):
                self._emit_planned(job, region)
            elif not job.emitted or message.get("again"):
                self._scan(job, region)
        except PermanentError as error:
            self.journal("SplitFailed", job_id=job.job_id, code=error.code, reason=error.message)
            fail_job(self.table, self.queues, job.job_id, with_advice(error))

    def _scan(self, job: Job, number: int) -> None:
        regions = regions_of(job)
        if job.status is JobStatus.SUBMITTED:
            self.table.update_job(job.job_id, _SPLIT, status=JobStatus.SPLITTING)
        scan = self._scan_region(job, regions[number])
        if len(regions) == 1:
            self._resolve(job, [scan])
            return
        self._put_plan(job, number, scan)
        self.table.put_region(job.job_id, number, scan.summary())
        if report_done(self.table, job.job_id, "regions", (number, len(regions))):
            self._resolve(job, [])

    def _scan_region(self, job: Job, region: ByteRange) -> RegionScan:
        chunk = job.pipeline.chunk
        limits = ChunkLimits(chunk.max_records, chunk.max_bytes)
        scanner = RegionScanner(dialect_of(job), limits, region, job.source.size)
        if region.size:
            source = ObjectRef.of(job.source)
            for block in self.objects.stream(source, region.start, region.end, BLOCK):
                scanner.feed(block)
        return scanner.finish()

    def _resolve(self, job: Job, only: list[RegionScan]) -> None:
        """`only` holds the scan of a job of one region; others are read back."""
        summaries = [scan.summary() for scan in only]
        summaries = summaries or self.table.get_regions(job.job_id, len(regions_of(job)))
        resolution = resolve(summaries, dialect_of(job), job.source.size)
        if job.redrive and job.totals is None:
            # Before anything is spent on it.
            dialect = record_dialect_of(job.pipeline, job.redrive.source.key)
            check_redrive(self.objects, job.source, job.redrive, dialect)
        self._note_totals(job, resolution)
        self.journal(
            "JobSplit",
            job_id=job.job_id,
            records=resolution.records,
            chunks=resolution.chunks,
            segments=resolution.segments,
        )
        if not resolution.chunks:
            ask_to_finish(self.queues, job.job_id)
        elif only:
            self._emit(job, resolution.regions[0], only[0])
        else:
            self.queues.split(job.job_id, emits_of(job, resolution.regions))
        # From here on a late duplicate of a scan need not read the file again.
        self.table.update_job(job.job_id, frozenset(), emitted=True)

    def _note_totals(self, job: Job, resolution: Resolution) -> None:
        header = resolution.header
        totals = Totals(
            records=resolution.records,
            chunks=resolution.chunks,
            segments=resolution.segments,
            header=(header.start, header.end) if header else None,
        )
        self.table.update_job(
            job.job_id, _SPLIT, status=JobStatus.RUNNING, totals=totals, split_at=self.now()
        )

    def _emit_planned(self, job: Job, resolved: ResolvedRegion) -> None:
        self._emit(job, resolved, self._get_plan(job, resolved.index))

    def _emit(self, job: Job, resolved: ResolvedRegion, scan: RegionScan) -> None:
        pending: list[ChunkMessage] = []
        for chunk in chunks_of(resolved, scan.plan(resolved.entry)):
            pending.append(
                ChunkMessage(
                    job_id=job.job_id,
                    segment=chunk.segment,
                    chunk=chunk.index,
                    start=chunk.start,
                    end=chunk.end,
                    records=chunk.records,
                    first_record=chunk.first_record,
                    chunks=chunk.chunks_in_segment,
                )
            )
            if len(pending) == MESSAGES_AT_ONCE:
                self.queues.invoke(job.job_id, pending)
                pending = []
        if pending:
            self.queues.invoke(job.job_id, pending)

    def _put_plan(self, job: Job, number: int, scan: RegionScan) -> None:
        body = json.dumps(scan.to_json(), separators=(",", ":")).encode()
        self.objects.put(self.work_bucket, _plan_key(job, number), body, "application/json")

    def _get_plan(self, job: Job, number: int) -> RegionScan:
        text = self.objects.read(ObjectRef(self.work_bucket, _plan_key(job, number)))
        return RegionScan.from_json(json.loads(text))


def _plan_key(job: Job, region: int) -> str:
    return f"plans/{job.job_id}/{region:05d}.json"


def emits_of(job: Job, regions: Iterable[ResolvedRegion]) -> list[dict[str, Any]]:
    """The messages that have the chunks of the regions sent."""
    return [messages.emit(job.job_id, region) for region in regions if region.chunks]
