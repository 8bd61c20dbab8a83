"""docs/guarantees.md names tests that exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "guarantees.md"
_REFERENCE = re.compile(r"`((?:unit|e2e|contract|template|simulation)/?[\w/.]*)?(?:::(\w+))?`")


def references() -> Iterator[tuple[str, str]]:
    """Path and name of each; a name alone is of the path before it."""
    path = ""
    for match in _REFERENCE.finditer(DOCUMENT.read_text(encoding="utf-8")):
        path = match[1] or path
        if match[1] or match[2]:
            yield path, match[2] or ""


@pytest.mark.parametrize(("path", "name"), sorted(set(references())))
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    found = TESTS / path

    assert found.exists()
    assert not name or name in defined_in(found)


def defined_in(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_there_are_many() -> None:
    assert len(list(references())) > 50
