import json
from datetime import UTC, datetime, timedelta

import pytest

from penstock_local import logs
from penstock_local.errors import LocalStackError
from penstock_local.inspection import Function

FUNCTIONS = [
    Function(name, f"penstock-{name}", f"/aws/lambda/penstock-{name}")
    for name in ("AcceptUploadFunction", "SplitInputFunction")
]


def test_a_json_line_shows_level_message_and_what_else_it_tells():
    document = {"level": "INFO", "message": "split", "job_id": "j1", "chunks": 3, "service": "x"}

    line = logs.Line(0, "SplitInput", json.dumps(document)).render()

    assert line.endswith("SplitInput           INFO    split job_id=j1 chunks=3")


def test_an_exception_is_shown_below_its_line():
    document = {"level": "ERROR", "message": "m", "exception": "Traceback\nE: x", "stack_trace": {}}

    line = logs.Line(0, "SplitInput", json.dumps(document)).render()

    assert line.endswith("ERROR   m\nTraceback\nE: x")


def test_a_plain_line_is_shown_as_it_is():
    line = logs.Line(0, "SplitInput", "  File app.py, line 3\n").render()

    assert line.endswith("SplitInput                     File app.py, line 3")


def test_the_time_is_shown_with_milliseconds():
    moment = datetime(2026, 1, 2, 3, 4, 5, 67_000).astimezone()

    line = logs.Line(int(moment.timestamp() * 1000), "SplitInput", "x").render()

    assert line.startswith("03:04:05.067 ")


@pytest.mark.parametrize("name", ["SplitInputFunction", "split_input", "split-input", "SPLIT"])
def test_a_function_is_found_by_its_name_in_any_spelling(name):
    assert logs.choose(FUNCTIONS, name) == [FUNCTIONS[1]]


def test_all_functions_are_chosen_when_none_is_named():
    assert logs.choose(FUNCTIONS, None) == FUNCTIONS


def test_an_unknown_function_is_refused_with_the_known_ones():
    with pytest.raises(LocalStackError, match="AcceptUploadFunction, SplitInputFunction"):
        logs.choose(FUNCTIONS, "merge")


def test_a_duration_is_a_number_with_a_unit():
    assert logs.parse_duration("90s") == timedelta(seconds=90)
    assert logs.parse_duration("2h") == timedelta(hours=2)


@pytest.mark.parametrize("text", ["90", "1w", "-5m", ""])
def test_anything_else_is_no_duration(text):
    with pytest.raises(LocalStackError, match="is no duration"):
        logs.parse_duration(text)


def test_following_tells_every_line_once(monkeypatch):
    first, repeated, late = (logs.Line(1, "A", text) for text in ("first", "same", "late"))
    reads = iter([[first, repeated], [first, repeated, repeated, late], [late]])
    monkeypatch.setattr(logs, "read", lambda *_: next(reads))

    following = logs.follow({}, FUNCTIONS, datetime.now(UTC), pause=lambda _: None)

    assert [next(following) for _ in range(4)] == [first, repeated, repeated, late]
