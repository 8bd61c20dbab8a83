"""docs/errors.md lists every code that the product can raise, and no other."""

import ast
import re
from collections.abc import Iterator

from tests.conventions.sources import ROOT, Source, product

PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
LISTED = {code for row in ROWS for code in re.findall(r"`(\w+)`", row)}

CODE = re.compile(r"[A-Z][a-z0-9]+([A-Z][A-Za-z0-9]*)*")
CARRIERS = {
    "Refusal",
    *("PermanentError", "RetryableError", "WrongUsageError", "PenstockError"),
    *("Failure", "Stop", "GiveUp", "Trouble", "Isolate", "Rejection", "RecordError", "Outcome"),
}
"""What is made with a code, among its first two arguments."""

INTERNAL = {"TooManyValues", "BadLocation", "ChunkTooLarge"}
"""Translated before anybody sees them."""

OF_AWS = {
    *("ValidationError", "AccessDeniedException", "InternalFailure", "InternalServerError"),
    *("InternalDependencyException", "RequestTimeout", "ValidationException"),
}
"""Raised by AWS, and worth a row."""

UNSEEN = {"ModelBusy", "Unknown"}
"""`ModelBusy` is waited out; no error is `Unknown`, which stands where a code cannot be missing."""


def codes_of(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield from _codes_of_call(node)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            yield from _codes(node.value.elts[:1])
        elif isinstance(node, ast.Assign) and _names(node) & {"CODE", "code"}:
            yield from _codes([node.value])


def _codes_of_call(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    to_parent = name == "__init__" and ast.unparse(function).startswith("super()")
    if name in CARRIERS or to_parent:
        yield from _codes(call.args[:2])


def _codes(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.BoolOp):
            yield from _codes(node.values)
        elif isinstance(node, ast.IfExp):
            yield from _codes([node.body, node.orelse])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from [node.value] if CODE.fullmatch(node.value) else []


def _names(assignment: ast.Assign) -> set[str]:
    return {target.id for target in assignment.targets if isinstance(target, ast.Name)}


def raised() -> set[str]:
    sources = [source for source in product() if "/testing/" not in source.path]
    return {code for source in sources for code in codes_of(source)} - INTERNAL - UNSEEN


def test_every_code_that_can_be_raised_is_listed() -> None:
    assert raised() - LISTED == set(), "add a row to docs/errors.md"


def test_no_code_is_listed_that_nobody_raises() -> None:
    assert LISTED - raised() - OF_AWS == set(), "remove the row from docs/errors.md"


def test_a_code_that_is_not_listed_would_be_noticed() -> None:
    planted = 'raise PermanentError("BadLuck", "...")\ndef f():\n    return "WorseLuck", "..."\n'

    assert set(codes_of(Source("a.py", planted))) == {"BadLuck", "WorseLuck"}
