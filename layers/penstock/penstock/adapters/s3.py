"""Objects in S3."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from penstock.adapters.aws import translated
from penstock.domain.errors import PermanentError, RetryableError
from penstock.domain.manifest import StoredObject
from penstock.ports import ObjectRef, Upload, UploadedPart

_CHECKSUMS = ("ChecksumCRC64NVME", "ChecksumCRC32", "ChecksumCRC32C", "ChecksumSHA256")


@dataclass(frozen=True, slots=True)
class S3Objects:
    """ObjectStore over an S3 client."""

    s3: Any

    def read(self, ref: ObjectRef, *, limit: int | None = None) -> bytes:
        body, _ = self._whole(ref, limit)
        return body

    def _whole(self, ref: ObjectRef, limit: int | None) -> tuple[bytes, dict[str, Any]]:
        """The object, and what S3 says of it."""
        with translated(_uri(ref)):
            answer = self.s3.get_object(**_reading(ref))
            if limit is not None and answer["ContentLength"] > limit:
                answer["Body"].close()
                raise PermanentError("ObjectTooLarge", f"{_uri(ref)} exceeds {limit} bytes")
            return bytes(answer["Body"].read()), answer

    def read_range(self, ref: ObjectRef, start: int, end: int) -> bytes:
        with translated(_uri(ref)):
            return bytes(self._get(ref, start, end).read())

    def stream(self, ref: ObjectRef, start: int, end: int, block: int) -> Iterator[bytes]:
        with translated(_uri(ref)):
            yield from self._get(ref, start, end).iter_chunks(block)

    def _get(self, ref: ObjectRef, start: int, end: int) -> Any:
        return self.s3.get_object(**_reading(ref), Range=f"bytes={start}-{end - 1}")["Body"]

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        with translated(f"s3://{bucket}/{prefix}"):
            return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def newest(self, bucket: str, key: str, *, limit: int) -> tuple[StoredObject, bytes]:
        body, answer = self._whole(ObjectRef(bucket, key), limit)
        return _stored(bucket, key, len(body), answer), body

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> StoredObject:
        with translated(f"s3://{bucket}/{key}"):
            answer = self.s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)
        return _stored(bucket, key, len(body), answer)

    def replace(self, old: StoredObject, body: bytes, content_type: str) -> StoredObject:
        try:
            with translated(f"s3://{old.bucket}/{old.key}"):
                answer = self.s3.put_object(
                    Bucket=old.bucket,
                    Key=old.key,
                    Body=body,
                    ContentType=content_type,
                    IfMatch=old.etag,
                )
        except PermanentError as error:
            if error.code == "ObjectNotFound":
                raise PermanentError("ObjectChanged", error.message) from error
            raise
        return _stored(old.bucket, old.key, len(body), answer)

    def begin_upload(self, bucket: str, key: str, content_type: str) -> str:
        with translated(f"s3://{bucket}/{key}"):
            answer = self.s3.create_multipart_upload(
                Bucket=bucket, Key=key, ContentType=content_type
            )
        return str(answer["UploadId"])

    def upload_part(self, target: Upload, number: int, body: bytes) -> UploadedPart:
        with translated(f"s3://{target.bucket}/{target.key}"):
            answer = self.s3.upload_part(**_target(target), PartNumber=number, Body=body)
        return UploadedPart(number, answer["ETag"])

    def copy_part(
        self, target: Upload, number: int, ref: ObjectRef, extent: tuple[int, int]
    ) -> UploadedPart:
        start, end = extent
        with translated(_uri(ref)):
            answer = self.s3.upload_part_copy(
                **_target(target),
                PartNumber=number,
                CopySource=f"{ref.bucket}/{quote(ref.key)}",
                CopySourceRange=f"bytes={start}-{end - 1}",
            )
        return UploadedPart(number, answer["CopyPartResult"]["ETag"])

    def complete_upload(
        self, target: Upload, parts: Sequence[UploadedPart], size: int
    ) -> StoredObject:
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        try:
            with translated(f"s3://{target.bucket}/{target.key}"):
                answer = self.s3.complete_multipart_upload(
                    **_target(target), MultipartUpload={"Parts": listed}
                )
        except PermanentError as error:
            if error.code == "NoSuchUpload":
                raise RetryableError(error.code, error.message) from error
            raise
        return _stored(target.bucket, target.key, size, answer)

    def abort_upload(self, target: Upload) -> None:
        try:
            with translated(f"s3://{target.bucket}/{target.key}"):
                self.s3.abort_multipart_upload(**_target(target))
        except PermanentError as error:
            if error.code != "NoSuchUpload":
                raise

    def open_uploads(self, bucket: str, prefix: str, begun_before: float) -> list[Upload]:
        pages = self.s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, Prefix=prefix
        )
        with translated(f"s3://{bucket}/{prefix}"):
            return [
                Upload(bucket, found["Key"], found["UploadId"])
                for page in pages
                for found in page.get("Uploads", [])
                if found["Initiated"].timestamp() < begun_before
            ]


def _uri(ref: ObjectRef) -> str:
    return f"s3://{ref.bucket}/{ref.key}"


def _reading(ref: ObjectRef) -> dict[str, str]:
    options = {"Bucket": ref.bucket, "Key": ref.key}
    if ref.version_id:
        options["VersionId"] = ref.version_id
    if ref.etag:
        options["IfMatch"] = ref.etag
    return options


def _target(upload: Upload) -> dict[str, str]:
    return {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}


def _stored(bucket: str, key: str, size: int, answer: dict[str, Any]) -> StoredObject:
    checksums = (f"{name[8:]}:{answer[name]}" for name in _CHECKSUMS if answer.get(name))
    return StoredObject(
        bucket=bucket,
        key=key,
        size=size,
        etag=answer["ETag"].strip('"'),
        version_id=answer.get("VersionId"),
        checksum=next(checksums, None),
    )
