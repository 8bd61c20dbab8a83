"""Text that others wrote, such as names of objects, shown to people."""

import unicodedata

_JOINER = "\u200d"
"""Holds emoji together. Harmless, and Python does not count it among the printable."""


def legible(text: str, limit: int | None = None) -> str:
    r"""The text on one line, without anything that a terminal would obey.

    What does not print stands as its escape: `\x1b`, `\n`, `\u202e`. Beyond `limit` characters the
    rest is left out.
    """
    shown = "".join(each if _is_harmless(each) else _escape(each) for each in text)
    return shown if limit is None or len(shown) <= limit else f"{shown[:limit]}..."


def is_whole(text: str) -> bool:
    """Without halves of surrogate pairs, which JSON and file names can bring and nothing stores."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _is_harmless(character: str) -> bool:
    # To Python no space prints but the one of ASCII; names in Japanese have others.
    is_space = unicodedata.category(character) == "Zs"
    return character.isprintable() or is_space or character == _JOINER


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
