"""Writing an object of unknown length with little memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from penstock.domain.manifest import StoredObject
from penstock.ports import ObjectStore, Upload, UploadedPart

PART = 8 * 1024**2
"""Bytes gathered before they are sent: above S3's minimum of 5 MiB, small beside the function."""


@dataclass(slots=True)
class PieceWriter:
    """A small object is put in one request; a large one becomes a multipart upload.

    `lines` counts the newlines.
    """

    objects: ObjectStore
    bucket: str
    key: str
    content_type: str
    size: int = 0
    lines: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _upload: Upload | None = None
    _parts: list[UploadedPart] = field(default_factory=list)

    def write(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._buffer += line
            self.size += len(line)
            self.lines += line.count(b"\n")
            # Twice the part is awaited, so that what remains at the end is never too small.
            while len(self._buffer) >= 2 * PART:
                self._send(PART)

    def close(self) -> StoredObject | None:
        """Makes the object appear; an object of no bytes does not."""
        if self._upload:
            self._send(len(self._buffer))
            return self.objects.complete_upload(self._upload, self._parts, self.size)
        if not self._buffer:
            return None
        return self.objects.put(self.bucket, self.key, bytes(self._buffer), self.content_type)

    def abandon(self) -> None:
        if self._upload:
            self.objects.abort_upload(self._upload)

    def _send(self, size: int) -> None:
        upload = self._upload or self._begin()
        part = self.objects.upload_part(upload, len(self._parts) + 1, bytes(self._buffer[:size]))
        self._parts.append(part)
        del self._buffer[:size]

    def _begin(self) -> Upload:
        upload_id = self.objects.begin_upload(self.bucket, self.key, self.content_type)
        self._upload = Upload(self.bucket, self.key, upload_id)
        return self._upload
