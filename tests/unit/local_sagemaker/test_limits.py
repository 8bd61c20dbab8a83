from dataclasses import replace

import pytest

from penstock_local.sagemaker.limits import (
    LimitBook,
    LimitError,
    Limits,
    changed,
    parse_setting,
)
from penstock_local.sagemaker.settings import parse_arguments

NEEDED = ["--aws-endpoint-url", "http://127.0.0.1:1", "--state-dir", "state"]


def test_only_the_limits_that_are_named_change():
    assert changed(Limits(), {"invocation_seconds": 1}) == replace(Limits(), invocation_seconds=1)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"speed": 1}, "speed is no limit; the limits are "),
        ({"real_time_payload_bytes": 1.5}, "real_time_payload_bytes must be a number"),
        ({"invocation_seconds": True}, "invocation_seconds must be a number"),
        ({"invocation_seconds": -1}, "invocation_seconds must be a number of at least 0"),
        ("fast", "the limits must be a JSON object"),
    ],
)
def test_a_limit_that_can_not_be_meant_is_named(document: object, message: str):
    with pytest.raises(LimitError, match=message):
        changed(Limits(), document)


def test_limits_go_back_to_those_of_the_start():
    book = LimitBook(Limits(invocation_seconds=5))
    book.change({"invocation_seconds": 1})
    book.reset()

    assert book.now.invocation_seconds == 5


def test_limits_are_set_on_the_command_line():
    limit = ["--limit", "invocation_seconds=0.5", "--limit", "real_time_payload_bytes=100"]
    settings = parse_arguments([*NEEDED, *limit])

    assert settings.limits == Limits(invocation_seconds=0.5, real_time_payload_bytes=100)


def test_a_limit_on_the_command_line_is_checked(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        parse_arguments([*NEEDED, "--limit", "speed=1"])

    assert "speed is no limit" in capsys.readouterr().err


def test_a_setting_is_a_name_and_a_number():
    assert parse_setting("a=1") == {"a": 1}
    with pytest.raises(LimitError, match="name=number"):
        parse_setting("a")
