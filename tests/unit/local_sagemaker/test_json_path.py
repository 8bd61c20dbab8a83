from typing import Any

import pytest

from penstock_local.sagemaker.json_path import JsonPathError, NotFoundError, parse

VALUE = {"id": 1, "deep": {"a": [10, 20, 30], "b": {"c": 2}}, "odd name": 3}


@pytest.mark.parametrize(
    ("expression", "value", "found"),
    [
        ("$", VALUE, VALUE),
        ("$.id", VALUE, 1),
        ("$['id']", VALUE, 1),
        ('$["odd name"]', VALUE, 3),
        ("$['id','odd name']", VALUE, {"id": 1, "odd name": 3}),
        ("$.deep.['a', 'b']", VALUE, {"a": [10, 20, 30], "b": {"c": 2}}),
        ("$.deep.a[1]", VALUE, 20),
        ("$.deep.a[-1]", VALUE, 30),
        ("$.deep.a[0,2]", VALUE, [10, 30]),
        ("$.deep.b.*", VALUE, [2]),
        ("$.deep.a[*]", VALUE, [10, 20, 30]),
        ("$[*].x", [{"x": 1}, {"x": 2}], [1, 2]),
        ("$[1:]", [1, 2, 3], [2, 3]),
        ("$[-2:]", [1, 2, 3], [2, 3]),
        ("$[:]", [1, 2], [1, 2]),
        ("$[0,5:]", list("abcdefg"), ["a", "f", "g"]),
        ("$[0, -1]", [1, 2, 3], [1, 3]),
        ("$[9:]", [1], []),
    ],
)
def test_the_documented_operators_are_understood(expression: str, value: Any, found: Any):
    assert parse(expression).of(value) == found


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("id", "does not begin with"),
        ("", "does not begin with"),
        ("$..id", "no operator"),
        ("$[?(@.id)]", "no operator"),
        ("$.id.length()", "no operator"),
        ("$[(@.length-1)]", "no operator"),
        ("$.", "no operator"),
        ("$[", "no operator"),
        ("$[1:4]", "a slice with an end"),
        ("$[:5]", "a slice with an end"),
        ("$[0,1:2]", "a slice with an end"),
        ("$['a','b'].c", "nothing may follow"),
        ("$[0,1][2]", "nothing may follow"),
    ],
)
def test_other_expressions_are_refused(expression: str, message: str):
    with pytest.raises(JsonPathError, match=message):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$.none", VALUE),
        ("$['id','none']", VALUE),
        ("$[3]", [1, 2, 3]),
        ("$[-4]", [1, 2, 3]),
        ("$.id", [1]),
        ("$[0]", {"0": 1}),
        ("$.*", 1),
    ],
)
def test_what_is_not_there_is_an_error(expression: str, value: Any):
    with pytest.raises(NotFoundError):
        parse(expression).of(value)


@pytest.mark.parametrize(
    ("expression", "fits"),
    [("$", True), ("$[0,2:]", True), ("$.a", False), ("$[0][1]", False), ("$[*]", False)],
)
def test_only_indexes_fit_a_row(expression: str, fits: bool):
    assert parse(expression).is_for_rows is fits
