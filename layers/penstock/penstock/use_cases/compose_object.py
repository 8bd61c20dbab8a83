"""Putting pieces together into one object of the output bucket."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from penstock.domain.composition import Part, Range, plan_parts
from penstock.domain.manifest import StoredObject
from penstock.ports import ObjectRef, ObjectStore, Upload, UploadedPart

SMALL = 16 * 1024**2
"""Bytes up to which an object is put in one request."""

_COPIERS = 32
"""Parts that are copied by S3 at a time, as many as the client has connections.

Gathered parts go one by one: each is held in memory.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """One assembled piece in the work bucket."""

    ref: ObjectRef
    size: int


@dataclass(frozen=True, slots=True)
class Target:
    """The object to be."""

    bucket: str
    key: str
    content_type: str


@dataclass(frozen=True, slots=True)
class ComposeObject:
    """Small objects pass through memory; S3 itself copies what is large."""

    objects: ObjectStore

    def __call__(self, pieces: Sequence[Piece], target: Target) -> StoredObject:
        total = sum(piece.size for piece in pieces)
        if total <= SMALL:
            whole = tuple(Range(i, 0, piece.size) for i, piece in enumerate(pieces) if piece.size)
            body = self._gathered(pieces, whole)
            return self.objects.put(target.bucket, target.key, body, target.content_type)
        upload_id = self.objects.begin_upload(target.bucket, target.key, target.content_type)
        upload = Upload(target.bucket, target.key, upload_id)
        try:
            parts = self._send(pieces, upload)
            return self.objects.complete_upload(upload, parts, total)
        except BaseException:
            # Whatever went wrong, also a bug: parts that nobody completes cost money for ever.
            self.objects.abort_upload(upload)
            raise

    def _send(self, pieces: Sequence[Piece], upload: Upload) -> list[UploadedPart]:
        planned = plan_parts([piece.size for piece in pieces])
        with ThreadPoolExecutor(_COPIERS) as pool:
            copies = pool.map(
                lambda part: self._copy(pieces, upload, part),
                [part for part in planned if part.copied],
            )
            gathered = [
                self.objects.upload_part(upload, part.number, self._gathered(pieces, part.ranges))
                for part in planned
                if not part.copied
            ]
            return sorted([*copies, *gathered], key=lambda part: part.number)

    def _copy(self, pieces: Sequence[Piece], upload: Upload, part: Part) -> UploadedPart:
        (extent,) = part.ranges
        ref = pieces[extent.piece].ref
        return self.objects.copy_part(upload, part.number, ref, (extent.start, extent.end))

    def _gathered(self, pieces: Sequence[Piece], ranges: Sequence[Range]) -> bytes:
        body = bytearray()
        for extent in ranges:
            body += self.objects.read_range(pieces[extent.piece].ref, extent.start, extent.end)
        return bytes(body)
