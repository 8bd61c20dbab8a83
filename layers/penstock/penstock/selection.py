"""JMESPath: `output.select`.

Whoever may write a pipeline file shares the functions with everybody else's jobs. So an expression
is refused that cannot work, and one whose result could be much larger than the answer it is of.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from penstock.domain.errors import PermanentError
from penstock.domain.legible import legible
from penstock.domain.results import Select

Node = dict[str, Any]

DEEPEST = 100
"""Nested parts of an expression; far below Python's limit, wherever it is evaluated."""

LARGEST_GROWTH = 100
"""Times that the result may hold all of the answer: `[*].[a, b]` up to 2. Texts of the expression
itself are not counted; its length is bounded where the pipeline file is read."""

_LONGEST_SHOWN = 80
_ESCAPING = 6  # `é` of two bytes becomes `\u00e9`

# What the evaluation of any expression may raise: jmespath leaves comparing and counting to Python.
_EVALUATION = (JMESPathError, ArithmeticError, TypeError, ValueError)


def compile_selection(expression: str) -> Select:
    """The expression as a function from a document to what it selects.

    Raises:
        PermanentError: `BadSelection`.
    """
    shown = f"'{legible(expression, _LONGEST_SHOWN)}'"
    try:
        compiled = jmespath.compile(expression)
    except RecursionError as error:
        raise PermanentError("BadSelection", f"{shown} is nested too deeply") from error
    except (JMESPathError, ValueError) as error:
        raise PermanentError("BadSelection", f"{shown} is not JMESPath: {error}") from error
    problem = next(_problems(compiled.parsed), None)
    if problem:
        raise PermanentError("BadSelection", f"{shown}: {problem}")

    def select(document: Any) -> Any:
        try:
            return compiled.search(document)
        except _EVALUATION as error:
            message = f"{shown} failed on the answer: {error}"
            raise PermanentError("BadSelection", message) from error

    return select


def _problems(root: Node) -> Iterator[str]:
    """Why the expression cannot be used. It is not nested deeply where this says nothing."""
    if _is_deep(root, DEEPEST):
        yield f"nested more than {DEEPEST} levels deep"
        return
    yield from _faults(root)
    if _growth(root) > LARGEST_GROWTH:
        yield "it repeats parts of the answer too many times; select each once"


def _is_deep(node: Node, room: int) -> bool:
    return room == 0 or any(_is_deep(child, room - 1) for child in _children(node))


def _faults(node: Node, *, in_function: bool = False) -> Iterator[str]:
    kind = node["type"]
    if kind == "expref" and not in_function:
        yield "& may only stand before an argument of a function"
    if kind == "slice" and node["children"][2] == 0:
        yield "the step of a slice cannot be 0"
    if kind == "function_expression":
        yield from _function_faults(node)
    for child in _children(node):
        yield from _faults(child, in_function=kind == "function_expression")


def _function_faults(node: Node) -> Iterator[str]:
    name, given = node["value"], len(node["children"])
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        yield f"there is no function {legible(name, _LONGEST_SHOWN)}()"
        return
    signature = known["signature"]
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        yield f"{name}() takes {len(signature)} arguments, not {given}"
    if name == "join" and given and node["children"][0]["type"] != "literal":
        yield "the first argument of join() must be a literal, as in join(', ', labels)"


def _growth(node: Node) -> int:
    """How many times as large as its input a part's result can be at most."""
    kind, parts = node["type"], [_growth(child) for child in _children(node)] or [1]
    if kind == "function_expression" and node["value"] != "map":
        return sum(parts) * (_ESCAPING if node["value"] == "to_string" else 1)
    adding = ("multi_select_list", "multi_select_dict", "or_expression", "and_expression")
    return sum(parts) if kind in adding else prod(parts)


def _children(node: Node) -> list[Node]:
    """Without the numbers of a slice."""
    return [child for child in node["children"] if isinstance(child, dict)]
