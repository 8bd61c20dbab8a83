"""ObjectStore: the fake and S3 answer alike."""

import time
from dataclasses import replace

import boto3
import pytest
from botocore.stub import Stubber

from penstock.adapters.s3 import S3Objects
from penstock.domain.composition import MIB, MINIMUM_PART
from penstock.domain.errors import PermanentError, RetryableError
from penstock.ports import ObjectRef, ObjectStore, Upload, UploadedPart
from penstock.testing import FakeObjects
from tests.moto_stack import client

KEY = "in/a b+ü.csv"
HERE = ObjectRef("work", KEY)


def code_of(call, family=PermanentError) -> str:
    with pytest.raises(family) as caught:
        call()
    return caught.value.code


def test_an_object_is_read_as_it_was_put(objects: ObjectStore) -> None:
    stored = objects.put("work", KEY, b"abc", "text/csv")

    assert (stored.bucket, stored.key, stored.size) == ("work", KEY, 3)
    assert objects.read(HERE) == b"abc"
    assert objects.read(ObjectRef("work", KEY, etag=stored.etag)) == b"abc"


def test_an_empty_object_is_read_as_no_bytes(objects: ObjectStore) -> None:
    objects.put("work", KEY, b"", "text/csv")

    assert objects.read(HERE) == b""


def test_a_range_ends_before_its_end(objects: ObjectStore) -> None:
    objects.put("work", KEY, b"0123456789", "text/csv")

    assert objects.read_range(HERE, 2, 5) == b"234"
    assert objects.read_range(HERE, 8, 4096) == b"89"


def test_a_range_beyond_the_object_is_an_error(objects: ObjectStore) -> None:
    objects.put("work", KEY, b"", "text/csv")

    assert code_of(lambda: objects.read_range(HERE, 0, 10)) == "InvalidRange"


@pytest.mark.parametrize("block", [1, 3, 100])
def test_a_stream_has_all_bytes_of_its_range(objects: ObjectStore, block: int) -> None:
    objects.put("work", KEY, b"0123456789", "text/csv")

    blocks = list(objects.stream(HERE, 1, 9, block))

    assert b"".join(blocks) == b"12345678"
    assert max(map(len, blocks)) <= block


@pytest.mark.parametrize("read", ["read", "read_range", "stream"])
def test_an_object_that_does_not_exist_is_not_found(objects: ObjectStore, read: str) -> None:
    assert code_of(lambda: reading(objects, read, HERE)) == "ObjectNotFound"


@pytest.mark.parametrize("read", ["read", "read_range", "stream"])
def test_an_object_that_was_overwritten_has_changed(objects: ObjectStore, read: str) -> None:
    before = objects.put("work", KEY, b"before", "text/csv")
    objects.put("work", KEY, b"after!", "text/csv")

    ref = ObjectRef("work", KEY, etag=before.etag)

    assert code_of(lambda: reading(objects, read, ref)) == "ObjectChanged"


@pytest.mark.parametrize("read", ["read", "read_range", "stream"])
def test_an_older_version_can_still_be_read(objects: ObjectStore, read: str) -> None:
    before = objects.put("input", KEY, b"before", "text/csv")
    after = objects.put("input", KEY, b"after!", "text/csv")

    assert before.version_id != after.version_id
    ref = ObjectRef("input", KEY, before.version_id, before.etag)
    assert reading(objects, read, ref) == b"before"
    assert objects.read(ObjectRef("input", KEY)) == b"after!"


def test_a_version_that_never_was_is_not_found(objects: ObjectStore) -> None:
    objects.put("input", KEY, b"before", "text/csv")
    ref = ObjectRef("input", KEY, "3HL4kqtJvjVBH40Nrjfkd")

    assert code_of(lambda: objects.read(ref)) == "ObjectNotFound"


def reading(objects: ObjectStore, read: str, ref: ObjectRef) -> bytes:
    if read == "read":
        return objects.read(ref)
    if read == "read_range":
        return objects.read_range(ref, 0, 6)
    return b"".join(objects.stream(ref, 0, 6, 4))


def test_an_object_beyond_the_limit_is_too_large(objects: ObjectStore) -> None:
    objects.put("work", KEY, b"abcd", "text/csv")

    assert objects.read(HERE, limit=4) == b"abcd"
    assert code_of(lambda: objects.read(HERE, limit=3)) == "ObjectTooLarge"


def test_the_newest_version_comes_with_what_tells_it_from_others(objects: ObjectStore) -> None:
    objects.put("output", KEY, b"before", "text/csv")
    stored = objects.put("output", KEY, b"after!", "text/csv")

    newest, body = objects.newest("output", KEY, limit=6)

    assert body == b"after!"
    assert (newest.bucket, newest.key, newest.size) == ("output", KEY, 6)
    assert (newest.version_id, newest.etag) == (stored.version_id, stored.etag)
    assert code_of(lambda: objects.newest("output", KEY, limit=5)) == "ObjectTooLarge"
    assert code_of(lambda: objects.newest("output", "other", limit=5)) == "ObjectNotFound"


def test_an_object_is_replaced_once(objects: ObjectStore) -> None:
    first = objects.put("output", KEY, b"first", "text/csv")

    second = objects.replace(first, b"second", "text/csv")

    assert objects.newest("output", KEY, limit=9)[0].version_id == second.version_id
    assert code_of(lambda: objects.replace(first, b"third", "text/csv")) == "ObjectChanged"
    assert objects.read(ObjectRef("output", KEY)) == b"second"
    assert objects.read(ObjectRef("output", KEY, first.version_id)) == b"first"


def test_an_object_that_is_gone_is_not_replaced(objects: ObjectStore) -> None:
    stored = objects.put("output", KEY, b"first", "text/csv")
    gone = replace(stored, key="other")

    assert code_of(lambda: objects.replace(gone, b"second", "text/csv")) == "ObjectChanged"


def begun(objects: ObjectStore, key: str = KEY) -> Upload:
    return Upload("work", key, objects.begin_upload("work", key, "text/csv"))


def test_parts_become_one_object_in_the_order_of_their_numbers(objects: ObjectStore) -> None:
    upload = begun(objects)
    last = objects.upload_part(upload, 7, b"end")
    first = objects.upload_part(upload, 2, b"a" * MINIMUM_PART)

    stored = objects.complete_upload(upload, [first, last], MINIMUM_PART + 3)

    assert stored.size == MINIMUM_PART + 3
    assert objects.read(HERE) == b"a" * MINIMUM_PART + b"end"


def test_a_part_that_is_sent_again_replaces_the_first(objects: ObjectStore) -> None:
    upload = begun(objects)
    objects.upload_part(upload, 1, b"before")
    part = objects.upload_part(upload, 1, b"after")

    objects.complete_upload(upload, [part], 5)

    assert objects.read(HERE) == b"after"


def test_a_part_is_copied_from_a_range_of_a_large_object(objects: ObjectStore) -> None:
    objects.put("work", "pieces/1/00000.out", b"a" * 3 * MIB + b"b" * 3 * MIB, "text/csv")
    upload = begun(objects)

    part = objects.copy_part(upload, 1, ObjectRef("work", "pieces/1/00000.out"), (MIB, 6 * MIB))

    objects.complete_upload(upload, [part], 5 * MIB)
    assert objects.read(HERE) == b"a" * 2 * MIB + b"b" * 3 * MIB


def test_a_small_part_before_the_last_is_refused(objects: ObjectStore) -> None:
    upload = begun(objects)
    parts = [objects.upload_part(upload, number, b"small") for number in (1, 2)]

    assert code_of(lambda: objects.complete_upload(upload, parts, 10)) == "EntityTooSmall"


def test_a_part_that_was_not_sent_is_refused(objects: ObjectStore) -> None:
    upload = begun(objects)
    part = objects.upload_part(upload, 1, b"a")
    wrong = UploadedPart(1, part.etag.replace(part.etag[1:5], "0bad"))

    assert code_of(lambda: objects.complete_upload(upload, [wrong], 1)) == "InvalidPart"


def test_parts_out_of_order_are_refused() -> None:
    objects = FakeObjects()  # moto sorts them
    upload = begun(objects)
    parts = [objects.upload_part(upload, number, b"a" * MINIMUM_PART) for number in (1, 2)]

    call = lambda: objects.complete_upload(upload, parts[::-1], 2 * MINIMUM_PART)  # noqa: E731
    assert code_of(call) == "InvalidPartOrder"


def test_an_upload_of_no_parts_is_refused(objects: ObjectStore) -> None:
    upload = begun(objects)

    assert code_of(lambda: objects.complete_upload(upload, [], 0)) == "MalformedXML"


def test_an_upload_that_is_aborted_leaves_no_object(objects: ObjectStore) -> None:
    upload = begun(objects)
    objects.upload_part(upload, 1, b"a")

    objects.abort_upload(upload)

    assert code_of(lambda: objects.read(HERE)) == "ObjectNotFound"
    objects.abort_upload(upload)


@pytest.mark.parametrize("make", [FakeObjects, lambda: stubbed("complete_multipart_upload")])
def test_completing_an_upload_that_is_gone_may_be_tried_again(make) -> None:
    objects, gone = make(), Upload("work", KEY, "gone")

    call = lambda: objects.complete_upload(gone, [UploadedPart(1, "a")], 1)  # noqa: E731
    assert code_of(call, RetryableError) == "NoSuchUpload"


def test_an_upload_that_may_not_be_aborted_is_an_error() -> None:
    objects = stubbed("abort_multipart_upload", "AccessDenied", 403)

    assert code_of(lambda: objects.abort_upload(Upload("work", KEY, "1"))) == "AccessDenied"


def stubbed(operation: str, code: str = "NoSuchUpload", status: int = 404) -> S3Objects:
    """moto itself fails where S3 answers 404."""
    s3 = boto3.client("s3")
    stubber = Stubber(s3)
    stubber.add_client_error(operation, code, "no", status)
    stubber.activate()
    return S3Objects(s3)


def test_an_upload_that_is_complete_can_neither_be_completed_nor_undone(
    objects: ObjectStore,
) -> None:
    upload = begun(objects)
    part = objects.upload_part(upload, 1, b"a")
    objects.complete_upload(upload, [part], 1)

    objects.abort_upload(upload)

    assert objects.read(HERE) == b"a"


@pytest.mark.parametrize("end", ["abort", "complete"])
def test_an_upload_that_has_ended_takes_no_more_parts(end: str) -> None:
    objects = FakeObjects()  # moto fails over it
    upload = begun(objects)
    part = objects.upload_part(upload, 1, b"a")
    if end == "abort":
        objects.abort_upload(upload)
    else:
        objects.complete_upload(upload, [part], 1)

    assert code_of(lambda: objects.upload_part(upload, 2, b"b")) == "NoSuchUpload"


@pytest.mark.parametrize("number", [0, 10_001])
def test_part_numbers_go_from_one_to_ten_thousand(number: int) -> None:
    objects = FakeObjects()  # moto takes 0

    assert code_of(lambda: objects.upload_part(begun(objects), number, b"a")) == "InvalidArgument"


def test_no_range_is_copied_from_a_small_object() -> None:
    objects = FakeObjects()  # moto doesn't know this rule of S3
    objects.put("work", "small", b"a" * MINIMUM_PART, "text/csv")
    upload = begun(objects)

    call = lambda: objects.copy_part(upload, 1, ObjectRef("work", "small"), (0, 5))  # noqa: E731
    assert code_of(call) == "InvalidRequest"


def test_what_s3_said_of_an_object_is_kept(stack) -> None:
    stored = S3Objects(client("s3")).put("input", KEY, b"abc", "text/csv")

    answer = client("s3").head_object(Bucket="input", Key=KEY, ChecksumMode="ENABLED")
    assert answer["ContentType"] == "text/csv"
    assert stored.etag == answer["ETag"].strip('"')
    assert stored.version_id == answer["VersionId"]
    assert stored.checksum == f"CRC32:{answer['ChecksumCRC32']}"


def test_open_uploads_are_found_by_prefix_and_age(objects: ObjectStore) -> None:
    found = Upload("work", "pieces/a/1", objects.begin_upload("work", "pieces/a/1", ""))
    objects.begin_upload("work", "pieces/b/1", "")
    later = time.time() + 3600

    assert objects.open_uploads("work", "pieces/a/", later) == [found]
    assert objects.open_uploads("work", "pieces/a/", begun_before=0.0) == []

    objects.abort_upload(found)

    assert objects.open_uploads("work", "pieces/a/", later) == []


def test_keys_are_those_that_begin_so_in_order(objects: ObjectStore) -> None:
    for key in ("out/b.out", "out/a.out", "outer", "in/a"):
        objects.put("work", key, b"x", "")

    assert objects.keys("work", "out/") == ["out/a.out", "out/b.out"]
    assert objects.keys("work", "nothing/") == []
