"""JSON that others wrote."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.json_text import DEEPEST, dumps, parse

TEXTS = st.text(st.sampled_from('ab[]{},:"\\\n\té\ud800'), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.integers(-3, 3))
def test_nesting_is_counted_whatever_stands_in_the_texts(value: Any, beyond: int) -> None:
    around = DEEPEST + beyond - depth(value)
    text = "[" * around + json.dumps(value) + "]" * around

    if beyond > 0:
        with pytest.raises(PermanentError, match="is nested more than 500 levels deep"):
            parse(text)
    else:
        parse(text)


@given(VALUES)
def test_a_value_is_written_on_one_line_and_read_back(value: Any) -> None:
    text = dumps(value).decode()

    assert "\n" not in text
    assert parse(text) == value


def test_brackets_in_a_text_are_not_mistaken_for_values() -> None:
    text = json.dumps("[{," * 10_000)

    assert parse(text, 40_000) == "[{," * 10_000


def test_a_text_of_too_many_values_is_refused_before_it_is_read() -> None:
    with pytest.raises(PermanentError) as caught:
        parse("[" + "{}," * 10_000 + "this is never reached", 1024**2)

    assert caught.value.code == "TooManyValues"
    assert caught.value.message == "holds so many values that they would take more than 1 MiB"
