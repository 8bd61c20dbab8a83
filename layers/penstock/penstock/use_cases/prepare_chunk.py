"""From a chunk to what the model is sent."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage
from penstock.domain.identity import InferenceId
from penstock.domain.job import Job
from penstock.domain.payload import Payload, build_payload, find_rejections, without
from penstock.ports import ObjectRef, ObjectStore
from penstock.use_cases.read_records import read_records


@dataclass(frozen=True, slots=True)
class Prepared:
    """The records of a chunk that the model gets, and how many it does not get."""

    job: Job
    chunk: ChunkMessage
    records: list[bytes]
    rejected: int
    header: bytes | None

    @property
    def inference_id(self) -> InferenceId:
        chunk = self.chunk
        return InferenceId(chunk.job_id, chunk.path, chunk.attempt, len(self.records), chunk.chunks)

    @property
    def content_type(self) -> str:
        return self.job.pipeline.content_type_of(self.job.source.key)

    @property
    def accept(self) -> str:
        return self.job.pipeline.accept_of(self.job.source.key)

    @property
    def sent_header(self) -> bytes | None:
        return self.header if self.job.pipeline.input.header == "send" else None

    def payload(self) -> Payload:
        return build_payload(self.content_type, self.records, self.sent_header)


@dataclass(frozen=True, slots=True)
class PrepareChunk:
    """Reads the records, and the header where there is one."""

    objects: ObjectStore
    read_header: Callable[[ObjectRef, int, int], bytes]

    def __call__(self, job: Job, chunk: ChunkMessage) -> Prepared:
        """Raises PermanentError: see `read_records`."""
        records = read_records(self.objects, job, chunk)
        rejections = find_rejections(job.pipeline.format_of(job.source.key), records)
        accepted = without(records, rejections)
        return Prepared(job, chunk, accepted, len(rejections), self._header(job))

    def _header(self, job: Job) -> bytes | None:
        given = job.pipeline.input
        if job.header is None or (given.header != "send" and given.model_field is None):
            return None
        source, start, end = job.header
        return self.read_header(ObjectRef.of(source), start, end).rstrip(b"\r\n")
