"""JSON on stdout, for programs and for terminals."""

import json
from typing import Any

import click


def echo_json(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=2)
    # JSON itself lets characters through that a terminal obeys or that turn the text round.
    click.echo("".join(_escaped(each) for each in text))


def _escaped(character: str) -> str:
    plain = character.isprintable() or character == "\n"
    return character if plain else json.dumps(character)[1:-1]
