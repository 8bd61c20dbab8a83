"""Dropped files that look bad and are fine, or are none of ours."""

from dataclasses import dataclass

import pytest

from tests.unit.use_cases.world import World

ENDPOINT = "invoke: {endpoint: demo}\n"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Fine:
    """A file that is predicted, though it may not look it: the number of its records."""

    key: str
    body: bytes
    records: int
    pipeline: str = ENDPOINT


FINE = {
    "an empty file": Fine("in/rows.csv", b"", 0),
    "nothing but a byte order mark": Fine("in/rows.csv", BOM, 0),
    "nothing but empty lines of CSV": Fine("in/rows.csv", b"\n\r\n\n", 0),
    "nothing but white space where JSON is awaited": Fine("in/data.jsonl", b" \n\t\n \r\n", 0),
    "nothing but a header": Fine(
        "in/rows.csv", b"id,text\n", 0, ENDPOINT + "input: {header: true}\n"
    ),
    "a row of spaces": Fine("in/rows.csv", b"   \n", 1),
    "blank lines of text": Fine("in/rows.txt", b"\n\n", 2),
    "a file without a newline at its end": Fine("in/rows.txt", b"1\n2", 2),
    "carriage returns alone, which end nothing": Fine("in/rows.txt", b"1\r2\r3", 1),
    "bytes of zero": Fine("in/rows.csv", b"1\x00\n\x00\x002\n", 2),
    "a byte order mark before the first record": Fine("in/data.jsonl", BOM + b"[1]\n", 1),
    "a quote in the middle of a field": Fine("in/rows.csv", b'5" pipe\n3" pipe\n', 2),
    "JSON nested as deeply as is allowed": Fine("in/data.jsonl", b"[" * 500 + b"]" * 500, 1),
    "half of a surrogate pair, escaped": Fine("in/data.jsonl", b'"\\ud800"\n', 1),
    "half of a surrogate pair, beside its result": Fine(
        "in/data.jsonl", b'"\\ud800"\n', 1, ENDPOINT + "output: {join: input}\n"
    ),
    "the same key twice in a record": Fine("in/data.jsonl", b'{"a": 1, "a": 2}\n', 1),
    "brackets in a text": Fine("in/data.jsonl", b'"' + b"[{" * 1000 + b'\\""\n', 1),
}


@pytest.mark.parametrize("case", FINE.values(), ids=FINE)
def test_a_file_that_is_only_strange_is_predicted(case: Fine) -> None:
    world = World(pipeline=case.pipeline, region_bytes=1000)
    world.drop(case.key, case.body)

    world.run()

    manifest = world.manifest(case.key)
    assert (manifest["status"], manifest["failure"]) == ("SUCCEEDED", None)
    assert manifest["records"] == {
        "total": case.records,
        "succeeded": case.records,
        "failed": 0,
    }
    assert len(world.output(case.key).splitlines()) == case.records


def test_files_with_names_of_configuration_start_nothing() -> None:
    world = World()
    for key in ("in/_SUCCESS", "in/.hidden", "in/folder/"):
        world.drop(key, b"")

    world.run()

    assert (world.table.jobs, world.objects.keys("output")) == ({}, [])
