"""The records of a chunk, read back from the input."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job
from penstock.domain.output_lines import MAXIMUM_QUOTED_RECORD
from penstock.domain.redrive import FailedRecord, parse_failed_record
from penstock.domain.splitting import split_records
from penstock.ports import ObjectRef, ObjectStore
from penstock.use_cases.split_input import dialect_of

LARGEST_CHUNK = 32 * 1024**2
"""Bytes; a chunk is held in memory a few times over. Only a single record can be longer."""

TOO_MUCH = "ChunkTooLarge"
"""The code of a chunk whose lines are short, but stand for too many bytes."""


@dataclass(frozen=True, slots=True)
class Located:
    """A record, its index and its bytes `[start, end)` in the input that it first came from.

    Of one that is `cut` only the beginning was read, if anything.
    """

    index: int
    start: int
    end: int
    record: bytes
    cut: bool = False


def read_records(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[bytes]:
    """As many as the scanner counted, each without its line end.

    Raises:
        PermanentError: the object is gone or has changed since the job began. Of records that are
            redriven also `ChunkTooLarge` and `RecordTooLarge`.
    """
    if job.redrive:
        return [each.record for each in _read_redriven(objects, job, chunk)]
    return split_records(_read(objects, job, chunk), dialect_of(job))


def read_located(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[Located]:
    """The records with their places.

    Of one that is too long to hold, only the beginning; its place includes its line end.

    Raises:
        PermanentError: as `read_records`.
    """
    if job.redrive:
        return _read_redriven(objects, job, chunk)
    if chunk.end - chunk.start > LARGEST_CHUNK:
        quoted = chunk.start + MAXIMUM_QUOTED_RECORD + 1
        head = objects.read_range(ObjectRef.of(job.source), chunk.start, quoted)
        return [Located(chunk.first_record, chunk.start, chunk.end, head, cut=True)]
    data = _read(objects, job, chunk)
    records = split_records(data, dialect_of(job))
    starts = _starts(data, records)
    return [
        Located(index, chunk.start + start, chunk.start + start + len(record), record)
        for index, (start, record) in enumerate(
            zip(starts, records, strict=True), chunk.first_record
        )
    ]


def read_heads(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[Located]:
    """The records as far as the message tells of them, or the lines of a redrive.

    Raises:
        PermanentError: the lines are gone.
    """
    if job.redrive:
        return [_located(each) for each in _read_failed(objects, job, chunk)]
    indexes = range(chunk.first_record, chunk.first_record + chunk.records)
    return [Located(index, chunk.start, chunk.end, b"", cut=True) for index in indexes]


def find_middle(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> int:
    """The byte of the input at which the second half of the chunk's records begins.

    Raises:
        PermanentError: the object is gone or has changed since the job began.
    """
    data = _read(objects, job, chunk)
    starts = list(_starts(data, split_records(data, dialect_of(job))))
    if len(starts) != chunk.records:
        message = f"{len(starts)} records where {chunk.records} were"
        raise PermanentError("ObjectChanged", message)
    return chunk.start + starts[chunk.records // 2]


def _read(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> bytes:
    return objects.read_range(ObjectRef.of(job.source), chunk.start, chunk.end)


def _starts(data: bytes, records: list[bytes]) -> Iterator[int]:
    """Between two records lie only a line end and blank lines, so a search finds the place."""
    position = 0
    for record in records:
        start = data.index(record, position)
        yield start
        line_end = data.find(b"\n", start + len(record))
        position = line_end + 1 if line_end >= 0 else len(data)


def _read_failed(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[FailedRecord]:
    lines = split_records(_read(objects, job, chunk), dialect_of(job))
    return [parse_failed_record(line) for line in lines]


def _read_redriven(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[Located]:
    """Those of which a line has only the beginning come from the input that they were in."""
    failed = _read_failed(objects, job, chunk)
    _check_sizes(job, failed)
    assert job.redrive is not None  # noqa: S101  the caller has looked
    source = ObjectRef.of(job.redrive.source)
    return [
        replace(_located(each), record=objects.read_range(source, each.start, each.end), cut=False)
        if each.cut
        else _located(each)
        for each in failed
    ]


def _check_sizes(job: Job, failed: list[FailedRecord]) -> None:
    sizes = [each.size for each in failed]
    if len(failed) > 1 and sum(sizes) > job.pipeline.chunk.max_bytes:
        raise PermanentError(TOO_MUCH, f"{len(failed)} records have {sum(sizes)} bytes")
    if max(sizes) > LARGEST_CHUNK:
        message = (
            f"the record has {max(sizes)} bytes, more than {LARGEST_CHUNK}; send smaller records"
        )
        raise PermanentError("RecordTooLarge", message)


def _located(failed: FailedRecord) -> Located:
    return Located(failed.index, failed.start, failed.end, failed.record or b"", failed.cut)
