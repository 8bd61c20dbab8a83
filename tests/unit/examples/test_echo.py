import io
from collections.abc import Callable
from typing import Any

import pytest

from examples.echo.echo_reference import expected_line, expected_lines
from examples.echo.image.echo_server import Application, Settings, split_records


def call(body: bytes, content_type: str = "text/plain", accept: str = "") -> tuple[str, str]:
    seen: list[str] = []

    def start_response(status: str, *_: Any) -> Callable[[bytes], object]:
        seen.append(status)
        return print

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/invocations",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": accept,
        "wsgi.input": io.BytesIO(body),
    }
    answer = Application(Settings())(environ, start_response)
    return seen[0], b"".join(answer).decode()


@pytest.mark.parametrize(
    ("content_type", "body", "records"),
    [
        ("text/plain", b"a\nb\n", [b"a", b"b"]),
        ("text/plain", b"a\r\n\r\nb", [b"a", b"", b"b"]),
        ("text/plain", b'"a\nb"', [b'"a', b'b"']),
        ("text/csv", b'"a\nb ""\n""",c\nd\n', [b'"a\nb ""\n""",c', b"d"]),
        ("text/csv; header=present", b'"h\n1",x\na\n', [b"a"]),
        ("text/csv", b'a\n"never\nclosed', [b"a", b'"never\nclosed']),
        ("application/octet-stream", b"a\nb\n", [b"a\nb\n"]),
        ("text/plain", b"", []),
    ],
)
def test_records_are_cut_as_the_content_type_says(content_type, body, records):
    assert split_records(body, content_type) == records


def test_each_record_is_answered_with_the_digest_of_its_bytes():
    records = ["plain", "ünïcode", ""]
    status, answer = call("\n".join([*records, ""]).encode())
    assert status == "200 OK"
    assert answer.splitlines() == expected_lines(records)


def test_json_lines_are_answered_with_json_lines():
    _, answer = call(b"{}\n", "application/jsonlines", "application/jsonlines")
    assert answer == f'{{"digest": "{expected_line("{}")}"}}\n'


@pytest.mark.parametrize(
    ("word", "status", "detail"),
    [
        ("explode", "500 Internal Server Error", "record 1 explodes"),
        ("poison", "400 Bad Request", '"record": 1'),
    ],
)
def test_a_word_in_a_record_makes_the_whole_request_fail(word, status, detail):
    got, answer = call(f"good\nsome {word} here\n".encode())
    assert got == status
    assert detail in answer


def test_a_miscount_is_one_line_too_few():
    _, answer = call(b"a\nmiscount\nb\n")
    assert answer.splitlines() == expected_lines(["a", "miscount"])
