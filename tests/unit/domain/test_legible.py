"""Text of others, shown to people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.legible import legible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("reviews/été 2026 (1).csv", "reviews/été 2026 (1).csv"),
        ("\U0001f469\u200d\U0001f52c.csv", "\U0001f469\u200d\U0001f52c.csv"),
        ("月曜日\u3000朝\xa01", "月曜日\u3000朝\xa01"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\r\nb\tc\x00\x7f", "a\\r\\nb\\tc\\x00\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("half \ud800", "half \\ud800"),
        ("\ufffe\U0001ffff", "\\ufffe\\U0001ffff"),
        ("", ""),
    ],
)
def test_what_does_not_print_stands_as_its_escape(text: str, shown: str) -> None:
    assert legible(text) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    assert legible("x" * 11, 10) == "x" * 10 + "..."
    assert legible("x" * 10, 10) == "x" * 10


@given(st.text(st.characters(exclude_categories=()), max_size=50))
def test_any_text_becomes_one_line_that_can_be_stored_and_shown(text: str) -> None:
    shown = legible(text)

    assert len(shown.splitlines()) <= 1
    assert shown.encode().decode() == shown
    assert "\x1b" not in shown
