"""Dropped files that cannot be predicted, as a whole or in part.

The user gets a manifest with the failure and a message with the same on the failure topic, or an
error line in the place of each record that failed.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from penstock.use_cases.read_records import LARGEST_CHUNK
from tests.unit.use_cases.world import Due, World

ENDPOINT = "invoke: {endpoint: demo}\n"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Failed:
    """A file that fails as a whole: `failure` of its manifest. The bucket keeps `versions`."""

    key: str
    body: bytes
    code: str
    says: tuple[str, ...]
    pipeline: str = ENDPOINT
    meanwhile: Callable[[World, Due], None] = lambda _world, _due: None
    versions: bool = True


def before(queue: str, act: Callable[[World], None]) -> Callable[[World, Due], None]:
    """Acts when a message of the queue is about to be delivered."""
    return lambda world, due: act(world) if due.queue == queue else None


def delete(world: World) -> None:
    world.objects.history.pop(("input", "in/rows.csv"), None)


def overwrite(world: World) -> None:
    world.put("in/rows.csv", b"9\n9\n")


def lock_away(world: World) -> None:
    world.objects.denied.add(("input", "in/rows.csv"))


def lock_pipeline_away(world: World) -> None:
    world.objects.denied.add(("input", "in/_pipeline.yaml"))


FAILED = {
    # names
    "a name like an output's": Failed(
        "in/rows.csv.out",
        b"1\n",
        "OutputNameCollision",
        ("ends in .out, as outputs of Penstock do", "rename the file, for example to rows.csv"),
    ),
    "a name like a manifest's": Failed(
        "in/rows.manifest.json",
        b"{}\n",
        "OutputNameCollision",
        ("ends in .manifest.json", "rename the file, for example to rows"),
    ),
    "a compressed file": Failed(
        "in/rows.csv.gz",
        gzip.compress(b"1\n2\n"),
        "UnreadableFormat",
        ("files that end in .gz are not read", "decompress it and drop it again"),
    ),
    "an archive, whatever the case of its name": Failed(
        "in/ROWS.ZIP", b"PK\x03\x04", "UnreadableFormat", ("decompress it and drop it again",)
    ),
    "a spreadsheet": Failed(
        "in/rows.xlsx", b"PK\x03\x04", "UnreadableFormat", ("save it as CSV in UTF-8",)
    ),
    "a Parquet file": Failed(
        "in/rows.parquet", b"PAR1", "UnreadableFormat", ("convert it to CSV or JSON Lines",)
    ),
    # contents
    "a quote that is never closed": Failed(
        "in/rows.csv",
        b'1,a\n2,"b\n3,c\n',
        "UnbalancedQuote",
        ("record 1, which starts at byte 4,", "opens a quote that is never closed"),
    ),
    "a quote in the header that is never closed": Failed(
        "in/rows.csv",
        b'id,"text\n1,a\n',
        "UnbalancedQuote",
        ("the header, which starts at byte 0, opens a quote that is never closed",),
        ENDPOINT + "input: {header: true}\n",
    ),
    "CSV for a model of JSON": Failed(
        "in/rows.csv",
        b"1\n",
        "ContentTypeMismatch",
        ("csv records cannot be sent as application/json", "set invoke.content_type"),
        "invoke: {endpoint: demo, content_type: application/json}\n",
    ),
    "a picture": Failed(
        "in/digit.png",
        b"\x89PNG\r\n\x1a\xff\x00\x00\xff",
        "NothingSucceeded",
        ("no record was predicted; the error file says why",),
    ),
    # what happens to the file meanwhile
    "a file that is deleted before it is split": Failed(
        "in/rows.csv",
        b"1\n",
        "ObjectNotFound",
        ("s3://input/in/rows.csv does not exist", "drop the file again"),
        meanwhile=before("split", delete),
    ),
    "a file that is overwritten before it is split": Failed(
        "in/rows.csv",
        b"1\n",
        "ObjectChanged",
        ("s3://input/in/rows.csv was overwritten", "drop the file again"),
        meanwhile=before("split", overwrite),
        versions=False,
    ),
    "a file that may not be read": Failed(
        "in/rows.csv",
        b"1\n",
        "AccessDenied",
        ("s3://input/in/rows.csv", "let the stack's functions read it (bucket policy, KMS key)"),
        meanwhile=before("split", lock_away),
    ),
    "a file whose pipeline file may not be read": Failed(
        "in/rows.csv",
        b"1\n",
        "AccessDenied",
        ("s3://input/in/_pipeline.yaml", "let the stack's functions read it"),
        meanwhile=before("upload", lock_pipeline_away),
    ),
}


@pytest.mark.parametrize("case", FAILED.values(), ids=FAILED)
def test_the_manifest_and_a_message_say_why_a_file_failed(case: Failed) -> None:
    world = World(pipeline=case.pipeline)
    world.objects.versioned = frozenset({"input"} if case.versions else ())
    world.drop(case.key, case.body)
    world.before_delivery = lambda due: case.meanwhile(world, due)

    world.run()

    manifest = world.manifest(case.key)
    assert (manifest["status"], manifest["failure"]["code"]) == ("FAILED", case.code)
    assert all(each in manifest["failure"]["message"] for each in case.says), manifest["failure"]
    assert manifest["input"]["key"] == case.key
    ((told, successful),) = world.announcer.jobs
    assert (told["failure"], successful) == (manifest["failure"], False)
    assert world.dead_letters == []


def test_a_name_too_long_for_its_manifest_is_told_by_the_message_alone() -> None:
    world = World()
    world.drop("é" * 506, b"1\n")

    world.run()

    assert world.objects.keys("output") == []
    ((told, successful),) = world.announcer.jobs
    assert (told["failure"]["code"], successful) == ("KeyTooLong", False)
    assert "the key is 2 bytes too long" in told["failure"]["message"]
    assert "shorten the name" in told["failure"]["message"]


@dataclass(frozen=True)
class Errors:
    """A file some of whose records fail: number, code and words of each error line."""

    key: str
    body: bytes
    lines: tuple[tuple[int, str, str], ...]
    pipeline: str = ENDPOINT


DEEP = b"[" * 501 + b"]" * 501
MEND = "; mend it"

ERRORS = {
    "a row in Latin-1": Errors(
        "in/rows.csv",
        b"1,cafe\n2,caf\xe9\n",
        ((1, "InvalidUtf8", "byte 5 of the record is not UTF-8; save the file as UTF-8"),),
    ),
    "a row of bytes that UTF-8 never has": Errors(
        "in/rows.csv", b"1\n\xff\xfe\n3\n", ((1, "InvalidUtf8", "byte 0 of the record"),)
    ),
    "a file in UTF-16": Errors(
        "in/rows.csv",
        "é\né".encode("utf-16"),
        ((0, "InvalidUtf8", "save the file as UTF-8"), (1, "InvalidUtf8", "byte 1 of the record")),
    ),
    "a half of a surrogate pair in UTF-8": Errors(
        "in/rows.txt", b"one\n\xed\xa0\x80\n", ((1, "InvalidUtf8", "byte 0 of the record"),)
    ),
    "compressed bytes under a name of text": Errors(
        "in/rows.txt", gzip.compress(b"1\n2\n", mtime=0)[:6], ((0, "InvalidUtf8", "byte 1 of"),)
    ),
    "a line that is no JSON": Errors(
        "in/data.jsonl",
        b'{"a": 1}\nnonsense\n',
        ((1, "InvalidJson", "the line is not JSON: Expecting value at character 1" + MEND),),
    ),
    "a line of JSON that breaks off": Errors(
        "in/data.jsonl",
        b'{"a": 1}\n{"a": \n',
        ((1, "InvalidJson", "Expecting value at character 7" + MEND),),
    ),
    "a line with two values": Errors(
        "in/data.jsonl", b"{} {}\n[]\n", ((0, "InvalidJson", "Extra data at character 4" + MEND),)
    ),
    "a line with single quotes": Errors(
        "in/data.jsonl", b"{'a': 1}\n[]\n", ((0, "InvalidJson", "at character 2" + MEND),)
    ),
    "a byte order mark in the middle of the file": Errors(
        "in/data.jsonl", b"[]\n" + BOM + b"[]\n", ((1, "InvalidJson", "at character 1" + MEND),)
    ),
    "JSON spread over several lines": Errors(
        "in/data.jsonl",
        b'{\n  "a": 1\n}\n[]\n',
        (
            (0, "InvalidJson", "at character 2"),
            (1, "InvalidJson", "Extra data at character 6"),
            (2, "InvalidJson", "Expecting value at character 1"),
        ),
    ),
    "a line nested too deeply": Errors(
        "in/data.jsonl",
        b"[]\n" + DEEP + b"\n[" + b"[" * 100_000 + b"\n",
        (
            (1, "InvalidJson", "the line is nested more than 500 levels deep" + MEND),
            (2, "InvalidJson", "the line is nested more than 500 levels deep" + MEND),
        ),
    ),
    "a number of five thousand digits": Errors(
        "in/data.jsonl",
        b"[" + b"9" * 5000 + b"]\n[]\n",
        ((0, "InvalidJson", "the line has a number of too many digits" + MEND),),
    ),
    "a line of more values than fit": Errors(
        "in/data.jsonl",
        b"[]\n[" + b"{}," * 3_000_000 + b"{}]\n",
        ((1, "RecordTooLarge", "more than 768 MiB; send smaller records"),),
    ),
    "a record of more bytes than are ever sent": Errors(
        "in/rows.txt",
        b"1\n" + b"x" * (LARGEST_CHUNK + 1) + b"\n",
        ((1, "RecordTooLarge", "more than 33554432; send smaller records"),),
    ),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS)
def test_an_error_line_says_what_is_wrong_with_a_record_and_its_neighbours_are_predicted(
    case: Errors,
) -> None:
    world = World(pipeline=case.pipeline, region_bytes=2**40)
    world.drop(case.key, case.body)

    world.run()

    errors = world.errors(case.key)
    assert [(each["record"], each["error"]) for each in errors] == [
        (record, code) for record, code, _ in case.lines
    ]
    for error, (_, _, says) in zip(errors, case.lines, strict=True):
        assert says in error["message"]
        assert (error["attempts"], error["end"] > error["start"]) == (0, True)
    lines = world.lines(case.key)
    assert len(lines) == world.manifest(case.key)["records"]["total"]
    assert world.dead_letters == []


def test_a_file_that_is_deleted_before_it_is_sent_leaves_error_lines_without_its_records() -> None:
    world = World()
    world.drop("in/rows.csv", b"1\n2\n")
    world.before_delivery = lambda due: delete(world) if due.queue == "invoke" else None

    world.run()

    for error in world.errors("in/rows.csv"):
        assert (error["error"], error.get("input")) == ("ObjectNotFound", None)
        assert "s3://input/in/rows.csv does not exist" in error["message"]
        assert "drop the file again" in error["message"]
