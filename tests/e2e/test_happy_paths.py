"""Files that go through."""

import csv
import io
import random
from pathlib import Path

import pytest

from examples.digits.make_data import Shape, write_data
from examples.digits.reference import predict_lines
from examples.echo.echo_reference import expected_lines
from tests.e2e.harness import Stack


def csv_with_notes(rows: int, seed: int = 1) -> bytes:
    """Quoted notes with newlines, doubled quotes, commas; as any spreadsheet writes them."""
    pick = random.Random(seed)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    pieces = ['say "hi"', "two\nlines", "a,b", "plain", "\n\n", "café", '"']
    for row in range(rows):
        writer.writerow([row, " ".join(pick.choices(pieces, k=3)), "x" * pick.randrange(60, 130)])
    return text.getvalue().encode()


def records_of(data: bytes) -> list[bytes]:
    """What csv.writer wrote for each row, by writing the rows that csv.reader reads again."""
    rows = csv.reader(io.StringIO(data.decode(), newline="\n"))
    return [_written(row) for row in rows if row]


def _written(row: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().removesuffix("\n").encode()


def test_a_csv_file_becomes_the_models_own_predictions_in_order(
    stack: Stack, digits_model: Path, tmp_path: Path
) -> None:
    source = tmp_path / "digits.csv"
    write_data(source, Shape(records=3000))
    stack.configure("digits", "invoke: {endpoint: digits}\ninput: {header: send}\n")

    delivered = stack.run("digits/test.csv", source.read_bytes())

    assert delivered.lines == predict_lines(digits_model, source)
    assert delivered.manifest["status"] == "SUCCEEDED"
    assert delivered.counts == (3000, 3000, 0)


def test_200_000_records_with_quoted_newlines_come_out_in_order(echo: Stack) -> None:
    echo.configure("large", "invoke: {endpoint: echo}\nchunk: {max_records: 4000}\n")
    data = csv_with_notes(200_000)
    assert len(data) > 5 * 4 * 1024**2, "several regions"

    job = echo.drop("large/notes.csv", data)
    delivered = echo.wait("large/notes.csv", job, patience=240)

    assert delivered.lines == expected_lines(records_of(data))
    assert delivered.counts == (200_000, 200_000, 0)


@pytest.mark.parametrize(
    ("name", "body", "records"),
    [
        ("lines.jsonl", b'{"a":1}\n\n{"a":2}\r\n{"a":3}', [b'{"a":1}', b'{"a":2}', b'{"a":3}']),
        ("lines.txt", b"one\n\nthree\n", [b"one", b"", b"three"]),
        ("bom.csv", b"\xef\xbb\xbf1,2\r\n3,4\r\n", [b"1,2", b"3,4"]),
    ],
)
def test_each_format_is_cut_into_its_records(
    echo: Stack, name: str, body: bytes, records: list[bytes]
) -> None:
    # The digest of JSON Lines is a JSON line too, unless another type is asked for.
    echo.configure("formats", "invoke: {endpoint: echo, accept: text/csv}\n")

    delivered = echo.run(f"formats/{name}", body)

    assert delivered.lines == expected_lines(records)


def test_a_large_chunk_travels_through_s3_instead_of_inline(echo: Stack) -> None:
    records = [f"{number},{'x' * 5000}".encode() for number in range(100)]

    delivered = echo.run("large/wide.csv", b"\n".join(records))

    assert delivered.lines == expected_lines(records)
    staged = echo.s3.list_objects_v2(
        Bucket=echo.document["work_bucket"], Prefix=f"async/input/{delivered.job_id}/"
    )
    assert staged["KeyCount"] == 1


@pytest.mark.parametrize("body", [b"", b"\n\r\n\n"])
def test_a_file_without_records_succeeds_with_an_empty_output(echo: Stack, body: bytes) -> None:
    delivered = echo.run(f"empty/{len(body)}.csv", body)

    assert delivered.counts == (0, 0, 0)
    assert delivered.manifest["status"] == "SUCCEEDED"
    assert echo.output(f"empty/{len(body)}.csv.out") == b""


def test_a_file_of_nothing_but_its_header_succeeds(echo: Stack) -> None:
    echo.configure("headed", "invoke: {endpoint: echo}\ninput: {header: true}\n")

    delivered = echo.run("headed/only.csv", b"a,b,c\n")

    assert delivered.counts == (0, 0, 0)


@pytest.mark.parametrize(
    "name", ["a b.csv", "a+b.csv", "100%41.csv", "größe-日本.csv", "q?x=1&y#z.csv"]
)
def test_a_key_with_special_letters_is_delivered_under_the_same_key(echo: Stack, name: str) -> None:
    delivered = echo.run(f"odd names/{name}", b"1\n2\n")

    assert delivered.lines == expected_lines([b"1", b"2"])


def test_the_end_is_announced_with_attributes_to_filter_on(echo: Stack) -> None:
    with echo.listening("success_topic_arn") as next_message:
        delivered = echo.run("told/file.csv", b"1\n2\n3\n")

        envelope = next_message()

    attributes = {name: each["Value"] for name, each in envelope["MessageAttributes"].items()}
    assert attributes == {
        "pipeline": "stack parameters",
        "status": "SUCCEEDED",
        "job_id": delivered.job_id,
    }


def test_the_end_is_an_event_too(echo: Stack) -> None:
    with echo.listening_to_events() as next_event:
        delivered = echo.run("told/event.csv", b"1\n2\n3\n")

        event = next_event()

    assert event["detail-type"] == "Job Succeeded"
    assert event["detail"]["job_id"] == delivered.job_id
    assert event["detail"]["records"] == {"total": 3, "succeeded": 3, "failed": 0}
