"""The records of a chunk, read back from the input."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage
from penstock.domain.job import Job
from penstock.domain.output_lines import MAXIMUM_QUOTED_RECORD
from penstock.domain.splitting import split_records
from penstock.ports import ObjectRef, ObjectStore
from penstock.use_cases.split_input import dialect_of

LARGEST_CHUNK = 32 * 1024**2
"""Bytes; a chunk is held in memory a few times over. Only a single record can be longer."""


@dataclass(frozen=True, slots=True)
class Located:
    """A record and its bytes `[start, end)` in the input."""

    start: int
    end: int
    record: bytes


def read_records(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[bytes]:
    """As many as the scanner counted, each without its line end.

    Raises:
        PermanentError: the object is gone or has changed since the job began.
    """
    return split_records(_read(objects, job, chunk), dialect_of(job))


def read_located(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> list[Located]:
    """The records with their places.

    Of one that is too long to hold, only the beginning; its place includes its line end.

    Raises:
        PermanentError: the object is gone or has changed since the job began.
    """
    if chunk.end - chunk.start > LARGEST_CHUNK:
        quoted = chunk.start + MAXIMUM_QUOTED_RECORD + 1
        head = objects.read_range(ObjectRef.of(job.source), chunk.start, quoted)
        return [Located(chunk.start, chunk.end, head)]
    data = _read(objects, job, chunk)
    records = split_records(data, dialect_of(job))
    return list(_located(data, records, chunk.start))


def _read(objects: ObjectStore, job: Job, chunk: ChunkMessage) -> bytes:
    return objects.read_range(ObjectRef.of(job.source), chunk.start, chunk.end)


def _located(data: bytes, records: list[bytes], base: int) -> Iterator[Located]:
    """Between two records lie only a line end and blank lines, so a search finds the place."""
    position = 0
    for record in records:
        start = data.index(record, position)
        yield Located(base + start, base + start + len(record), record)
        line_end = data.find(b"\n", start + len(record))
        position = line_end + 1 if line_end >= 0 else len(data)
