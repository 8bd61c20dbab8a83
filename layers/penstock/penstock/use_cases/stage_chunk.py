"""From a chunk to an object that a transform job reads."""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.domain.chunk import ChunkMessage
from penstock.domain.errors import PermanentError
from penstock.domain.payload import Payload
from penstock.domain.transform import Transform
from penstock.domain.transform_job import group_of, input_prefix, member_name
from penstock.ports import ObjectStore, Queues
from penstock.use_cases import messages
from penstock.use_cases.prepare_chunk import Prepared
from penstock.use_cases.read_records import TOO_MUCH
from penstock.use_cases.record_attempt import STAGED, RecordAttempt
from penstock.use_cases.seldom import Seldom


@dataclass(frozen=True, slots=True)
class StageChunk:
    """Writes the object, notes the attempt, and asks for a transform job.

    Asks once for all chunks of a group within the `window`, so far as one function knows: whoever
    looks after it sees them all.
    """

    objects: ObjectStore
    queues: Queues
    record: RecordAttempt
    now: Callable[[], float]
    work_bucket: str
    window: int
    _seldom: Seldom = field(default_factory=Seldom)

    def __call__(self, prepared: Prepared) -> None:
        """Raises PermanentError if SageMaker couldn't take the records as they are meant."""
        payload = prepared.payload()
        check_payload(_transform_of(prepared), payload)
        if not is_the_input(prepared, payload):
            self._put(prepared, payload)
        self.record(prepared, STAGED)
        self.ask(prepared.chunk)

    def ask(self, chunk: ChunkMessage) -> None:
        """Also for a chunk that is in a transform job by now: then nothing comes of it.

        A look reads all of the group: thousands of messages that are repeated must not ask for
        one each, nor the chunks of a batch, which come here at the same time.
        """
        group = group_of(chunk.path)

        def ask() -> None:
            message = messages.gather(chunk.job_id, group)
            self.queues.transform(chunk.job_id, [message], self.window)

        # Half of the window: the look must come after this chunk was noted, by anybody's clock.
        self._seldom((chunk.job_id, group), self.now(), self.window / 2, ask)

    def _put(self, prepared: Prepared, payload: Payload) -> None:
        name = member_name(prepared.inference_id, prepared.chunk.pauses)
        body = payload.body
        if _transform_of(prepared).compression:
            # Without a time in it: the same records are the same object.
            body = gzip.compress(body, mtime=0)
        key = input_prefix(prepared.job.job_id) + name
        self.objects.put(self.work_bucket, key, body, prepared.content_type)


def _transform_of(prepared: Prepared) -> Transform:
    transform = prepared.job.pipeline.invoke.transform
    assert transform is not None  # noqa: S101  chunks for other modes are not staged
    return transform


def is_the_input(prepared: Prepared, payload: Payload) -> bool:
    """Whether the input, byte for byte, is what the object would hold.

    Its ETag says so where it is an MD5 digest; where it isn't, nothing is lost but a copy. Tried
    once: SageMaker reads the newest version, and its role may not be allowed to.
    """
    job, chunk = prepared.job, prepared.chunk
    first = chunk.attempt == 1 and not chunk.pauses and not chunk.bits
    alone = job.totals is not None and job.totals.chunks == 1 and job.redrive is None
    if _transform_of(prepared).compression or not (first and alone):
        return False
    plain = job.source.key.isascii() and job.source.key.isprintable()
    digest = hashlib.md5(payload.body, usedforsecurity=False).hexdigest()
    return plain and digest == job.source.etag


def check_payload(transform: Transform, payload: Payload) -> None:
    """What cannot be sent together is halved; a record that cannot be sent at all is an error.

    Raises:
        PermanentError: `ChunkTooLarge`, `RecordTooLarge` or `EmbeddedNewline`.
    """
    lines = payload.body.count(b"\n")
    if transform.by_line and lines != payload.sent:
        text = "SageMaker splits at each newline, also within quotes; leave `invoke.strategy` out"
        raise PermanentError(TOO_MUCH if payload.sent > 1 else "EmbeddedNewline", text)
    limit, size = transform.largest_payload, len(payload.body)
    if transform.by_line and limit and size > limit:
        size = max(map(len, payload.body.split(b"\n"))) + 1
    if limit and size > limit:
        text = f"{size} bytes are more than `invoke.max_payload`; raise it, or send smaller records"
        raise PermanentError(TOO_MUCH if payload.sent > 1 else "RecordTooLarge", text)
