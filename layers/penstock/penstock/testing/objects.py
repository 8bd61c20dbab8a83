"""S3 in memory."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from penstock.domain.composition import MAXIMUM_PARTS, MINIMUM_PART
from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.manifest import StoredObject
from penstock.ports import ObjectRef, Upload, UploadedPart


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object; `body` is None for a delete marker."""

    version_id: str
    body: bytes | None
    content_type: str

    @cached_property
    def etag(self) -> str:
        return _etag(self.body or b"")


@dataclass(slots=True)
class _Multipart:
    bucket: str
    key: str
    content_type: str
    begun_at: float
    parts: dict[int, bytes] = field(default_factory=dict)
    etags: dict[int, str] = field(default_factory=dict)


class FakeObjects:
    """ObjectStore. All versions are kept; in a bucket that is not `versioned` only the last.

    `minimum_part` is S3's 5 MiB; a smaller one lets a test compose small objects.
    """

    def __init__(
        self, versioned: Sequence[str] = ("input", "output"), minimum_part: int = MINIMUM_PART
    ) -> None:
        self.versioned = frozenset(versioned)
        self.minimum_part = minimum_part
        self.history: dict[tuple[str, str], list[StoredVersion]] = {}
        self.uploads: dict[str, _Multipart] = {}
        self.denied: set[tuple[str, str]] = set()
        self.now: Callable[[], float] = time.time
        self._ids = 0

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The objects that a listing would show."""
        current = (
            where for where, versions in self.history.items() if versions[-1].body is not None
        )
        return sorted(key for owner, key in current if owner == bucket and key.startswith(prefix))

    def body(self, bucket: str, key: str) -> bytes:
        return self.read(ObjectRef(bucket, key))

    def delete(self, bucket: str, key: str) -> None:
        """Leaves a delete marker where the bucket keeps versions."""
        self._store(bucket, key, None, "")

    def read(self, ref: ObjectRef, *, limit: int | None = None) -> bytes:
        body = self._find(ref)
        if limit is not None and len(body) > limit:
            raise PermanentError("ObjectTooLarge", f"{ref.key} exceeds {limit} bytes")
        return body

    def read_range(self, ref: ObjectRef, start: int, end: int) -> bytes:
        body = self._find(ref)
        if start >= len(body):
            raise PermanentError("InvalidRange", f"{ref.key} has only {len(body)} bytes")
        return body[start:end]

    def stream(self, ref: ObjectRef, start: int, end: int, block: int) -> Iterator[bytes]:
        body = self.read_range(ref, start, end)
        for offset in range(0, len(body), block):
            yield body[offset : offset + block]

    def newest(self, bucket: str, key: str, *, limit: int) -> tuple[StoredObject, bytes]:
        body = self.read(ObjectRef(bucket, key), limit=limit)
        return self._stored(bucket, key, self.history[bucket, key][-1]), body

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> StoredObject:
        return self._store(bucket, key, body, content_type)

    def replace(self, old: StoredObject, body: bytes, content_type: str) -> StoredObject:
        versions = self.history.get((old.bucket, old.key), [])
        if not versions or versions[-1].body is None or versions[-1].etag != old.etag:
            raise PermanentError("ObjectChanged", f"s3://{old.bucket}/{old.key} was overwritten")
        return self.put(old.bucket, old.key, body, content_type)

    def begin_upload(self, bucket: str, key: str, content_type: str) -> str:
        upload_id = self._next_id("upload")
        self.uploads[upload_id] = _Multipart(bucket, key, content_type, self.now())
        return upload_id

    def upload_part(self, target: Upload, number: int, body: bytes) -> UploadedPart:
        multipart = self._open(target)
        if not 1 <= number <= MAXIMUM_PARTS:
            raise PermanentError("InvalidArgument", f"part number {number}")
        multipart.parts[number], multipart.etags[number] = body, _etag(body)
        return UploadedPart(number, multipart.etags[number])

    def copy_part(
        self, target: Upload, number: int, ref: ObjectRef, extent: tuple[int, int]
    ) -> UploadedPart:
        source = self._find(ref)
        if len(source) <= self.minimum_part:
            raise PermanentError("InvalidRequest", "a range is copied from large objects only")
        start, end = extent
        if not 0 <= start < end <= len(source):
            raise PermanentError("InvalidArgument", f"{extent} of {len(source)} bytes")
        return self.upload_part(target, number, source[start:end])

    def complete_upload(
        self, target: Upload, parts: Sequence[UploadedPart], size: int
    ) -> StoredObject:
        if target.upload_id not in self.uploads:
            raise RetryableError("NoSuchUpload", target.upload_id)
        multipart = self.uploads[target.upload_id]
        self._check_parts(multipart, parts)
        body = b"".join(multipart.parts[part.number] for part in parts)
        if len(body) != size:
            raise PermanentError("InvalidRequest", f"{len(body)} bytes, not {size}")
        del self.uploads[target.upload_id]
        return self._store(multipart.bucket, multipart.key, body, multipart.content_type)

    def abort_upload(self, target: Upload) -> None:
        self.uploads.pop(target.upload_id, None)

    def open_uploads(self, bucket: str, prefix: str, begun_before: float) -> list[Upload]:
        return [
            Upload(bucket, each.key, upload_id)
            for upload_id, each in self.uploads.items()
            if each.bucket == bucket
            and each.key.startswith(prefix)
            and each.begun_at < begun_before
        ]

    def _check_parts(self, multipart: _Multipart, parts: Sequence[UploadedPart]) -> None:
        numbers = [part.number for part in parts]
        if not parts:
            raise PermanentError("MalformedXML", "no parts")
        if numbers != sorted(set(numbers)):
            raise PermanentError("InvalidPartOrder", str(numbers))
        for part in parts:
            if part.etag != multipart.etags.get(part.number):
                raise PermanentError("InvalidPart", f"part {part.number}")
        for part in parts[:-1]:
            if len(multipart.parts[part.number]) < self.minimum_part:
                raise PermanentError("EntityTooSmall", f"part {part.number}")

    def _open(self, target: Upload) -> _Multipart:
        if target.upload_id not in self.uploads:
            raise PermanentError("NoSuchUpload", target.upload_id)
        return self.uploads[target.upload_id]

    def _find(self, ref: ObjectRef) -> bytes:
        if (ref.bucket, ref.key) in self.denied:
            raise PermanentError("AccessDenied", f"s3://{ref.bucket}/{ref.key}")
        versions = self.history.get((ref.bucket, ref.key), [])
        if ref.version_id:
            versions = [each for each in versions if each.version_id == ref.version_id]
        if not versions or versions[-1].body is None:
            raise PermanentError("ObjectNotFound", f"s3://{ref.bucket}/{ref.key} does not exist")
        if ref.etag and ref.etag != versions[-1].etag:
            raise PermanentError("ObjectChanged", f"s3://{ref.bucket}/{ref.key} was overwritten")
        return versions[-1].body

    def _store(self, bucket: str, key: str, body: bytes | None, content_type: str) -> StoredObject:
        version = StoredVersion(self._next_id("version"), body, content_type)
        versions = self.history.setdefault((bucket, key), [])
        if bucket not in self.versioned:
            versions.clear()
        versions.append(version)
        return self._stored(bucket, key, version)

    def _stored(self, bucket: str, key: str, version: StoredVersion) -> StoredObject:
        return StoredObject(
            bucket=bucket,
            key=key,
            size=len(version.body or b""),
            etag=version.etag,
            version_id=version.version_id if bucket in self.versioned else None,
        )

    def _next_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids}"


def _etag(body: bytes) -> str:
    """As S3 makes it of an object that was put in one piece."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
