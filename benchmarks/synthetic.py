"""Ports over data that nobody holds: an input that is computed, answers that are made when read.

So the memory of a process that runs a use case over them is the use case's own. What must be kept
lies on the disk, as it would lie in S3 and DynamoDB.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.manifest import StoredObject
from penstock.ports import ObjectRef, Upload, UploadedPart
from penstock.testing import FakeTable

MIB = 1024**2
ROW = 128
ROWS = (
    b'%07d,"a text, with a comma and a ""quote""",1.5',
    b'%07d,"a text in\ntwo lines",2.5',
    b"%07d,plain,3.5",
)
ANSWERS = "async/output/"


def _pattern() -> bytes:
    """A mebibyte of CSV rows, each ROW bytes long."""
    rows = (row % number for number, row in enumerate(islice(cycle(ROWS), MIB // ROW)))
    return b"".join(row + b"," + b"z" * (ROW - len(row) - 2) + b"\n" for row in rows)


@dataclass
class SyntheticObjects:
    """ObjectStore. `folder` holds the plans; of all else that is written, the size is kept."""

    folder: Path
    answer_bytes: int
    sizes: dict[str, int] = field(default_factory=dict)
    pattern: bytes = field(default_factory=_pattern)

    def read(self, ref: ObjectRef, *, limit: int | None = None) -> bytes:
        if ref.key.startswith(ANSWERS):
            records = int(ref.key.removeprefix(ANSWERS).partition("-")[0])
            return (b"y" * (self.answer_bytes - 1) + b"\n") * records
        return self._plan(ref.key).read_bytes()

    def read_range(self, ref: ObjectRef, start: int, end: int) -> bytes:
        if ref.bucket == "work":
            return bytes(end - start)
        return b"".join(self.stream(ref, start, end, MIB))

    def stream(self, ref: ObjectRef, start: int, end: int, block: int) -> Iterator[bytes]:
        while start < end:
            offset = start % MIB
            part = self.pattern[offset : offset + min(block, end - start)]
            start += len(part)
            yield part

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return [key for key in self.sizes if key.startswith(prefix)]

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> StoredObject:
        if key.startswith("plans/"):
            self._plan(key).write_bytes(body)
        self.sizes[key] = len(body)
        return StoredObject(bucket, key, len(body), etag="etag")

    def begin_upload(self, bucket: str, key: str, content_type: str) -> str:
        return "upload"

    def upload_part(self, target: Upload, number: int, body: bytes) -> UploadedPart:
        return UploadedPart(number, "etag")

    def copy_part(
        self, target: Upload, number: int, ref: ObjectRef, extent: tuple[int, int]
    ) -> UploadedPart:
        return UploadedPart(number, "etag")

    def complete_upload(
        self, target: Upload, parts: Sequence[UploadedPart], size: int
    ) -> StoredObject:
        self.sizes[target.key] = size
        return StoredObject(target.bucket, target.key, size, etag="etag")

    def abort_upload(self, target: Upload) -> None:
        """There is nothing to give back."""

    def open_uploads(self, bucket: str, prefix: str, begun_before: float) -> list[Upload]:
        return []

    def newest(self, bucket: str, key: str, *, limit: int) -> tuple[StoredObject, bytes]:
        raise PermanentError("ObjectNotFound", "no earlier output is kept")

    def replace(self, old: StoredObject, body: bytes, content_type: str) -> StoredObject:
        return self.put(old.bucket, old.key, body, content_type)

    def _plan(self, key: str) -> Path:
        return self.folder / key.replace("/", "-")


@dataclass
class DiskQueues:
    """Queues. The chunks go to a file for each segment; the rest is little, and kept."""

    folder: Path
    split_messages: list[dict[str, Any]] = field(default_factory=list)

    def split(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        self.split_messages += messages

    def invoke(self, job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None:
        for message in messages:
            with _segment_file(self.folder, message.segment).open("a") as file:
                file.write(json.dumps(asdict(message)) + "\n")

    def invoke_later(self, job_id: str, messages: Sequence[tuple[ChunkMessage, int]]) -> None:
        """None is turned away: no chunk is invoked."""

    def assemble(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        """The benchmark assembles of its own accord."""

    def transform(self, job_id: str, messages: Sequence[dict[str, Any]], delay: int = 0) -> None:
        """No chunk is staged."""

    def results(self, job_id: str, messages: Sequence[dict[str, Any]]) -> None:
        """No transform job ends."""

    def chunks_waiting(self) -> int:
        return 0

    def take(self) -> list[dict[str, Any]]:
        taken, self.split_messages = self.split_messages, []
        return taken


class DiskTable(FakeTable):
    """JobTable, whose chunks were all predicted at the first attempt."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def get_segment(self, job_id: str, segment: int) -> list[ChunkState]:
        with _segment_file(self._folder, segment).open() as file:
            return [_predicted(ChunkMessage.from_json(json.loads(line))) for line in file]


def _segment_file(folder: Path, segment: int) -> Path:
    return folder / f"segment-{segment}.jsonl"


def _predicted(chunk: ChunkMessage) -> ChunkState:
    location = f"s3://work/{ANSWERS}{chunk.records}-{chunk.path}"
    outcome = Outcome("predictions", 1, 0.0, location=location, content_type="text/csv")
    return ChunkState(chunk.path, chunk, inference_id="id", outcome=outcome)
