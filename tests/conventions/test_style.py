"""Small modules, small functions, no drawer of odds and ends, nothing of one person's machine."""

import ast
import re
from collections.abc import Callable, Iterable

import pytest

from tests.conventions.sources import Source, everything, product

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
MOST_ARGUMENTS = 5


def modules_are_short(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} has {source.lines} lines"
        for source in sources
        if source.lines > LONGEST_MODULE
    ]


def functions_are_short(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path}: {function.name} has {_length(function)} lines"
        for source in sources
        for function in _functions(source)
        if _length(function) > LONGEST_FUNCTION
    ]


def functions_take_few_arguments(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path}: {function.name} takes {_arguments(function)} arguments"
        for source in sources
        for function in _functions(source)
        if _arguments(function) > MOST_ARGUMENTS
    ]


def there_is_no_drawer_of_odds_and_ends(sources: Iterable[Source]) -> list[str]:
    drawers = {"utils", "util", "helpers", "misc", "common"}
    return [
        source.path
        for source in sources
        if drawers & set(source.path.removesuffix(".py").split("/"))
    ]


def packages_hold_no_code(sources: Iterable[Source]) -> list[str]:
    """An `__init__.py` names what a package offers and does nothing."""
    plain = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    return [
        f"{source.path}: line {node.lineno}"
        for source in sources
        if source.path.endswith("__init__.py")
        for node in source.tree.body
        if not isinstance(node, plain)
    ]


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(source: Source) -> list[Function]:
    return [node for node in ast.walk(source.tree) if isinstance(node, Function)]


def _length(function: Function) -> int:
    """Lines without the docstring."""
    assert function.end_lineno
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or not first.end_lineno:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def _arguments(function: Function) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in {"self", "cls"}])


# Written in halves, so that this file is not its own first finding.
_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "docker" + ".io")
_HOMES = r"(?<![\w.~}$-])/(?:ho" + r"me|Us" + r"ers|ro" + r"ot)/(?!me/)[\w.]"  # but in examples
_CHECKOUT = r"(?<![\w.~}$-])/wo" + r"rk/(?:main|shared)|/tm" + r"p/sp\b"
FORBIDDEN = re.compile("|".join((*map(re.escape, _HOSTS), _HOMES, _CHECKOUT)))


def nothing_is_of_one_machine(sources: Iterable[Source]) -> list[str]:
    """No hosts of package registries, no paths of somebody's home or checkout."""
    return [
        f"{source.path}:{number}: {found[0]}"
        for source in sources
        for number, line in enumerate(source.text.splitlines(), start=1)
        if (found := FORBIDDEN.search(line))
    ]


Rule = Callable[[Iterable[Source]], list[str]]


def _body(lines: int) -> str:
    return "def f():\n" + "    pass\n" * (lines - 1)


PLANTED: dict[Rule, list[Source]] = {
    modules_are_short: [Source("a.py", "x = 1\n" * (LONGEST_MODULE + 1))],
    functions_are_short: [
        Source("a.py", _body(LONGEST_FUNCTION + 1)),
        Source(
            "a.py", "class A:\n    async " + _body(LONGEST_FUNCTION + 1).replace("\n", "\n    ")
        ),
    ],
    functions_take_few_arguments: [Source("a.py", "def f(a, b, c, d, e, g):\n    pass\n")],
    there_is_no_drawer_of_odds_and_ends: [
        Source("layers/penstock/penstock/utils.py", ""),
        Source("cli/penstock_cli/helpers/times.py", ""),
    ],
    packages_hold_no_code: [
        Source("a/__init__.py", "def f():\n    pass\n"),
        Source("a/__init__.py", "if True:\n    x = 1\n"),
    ],
    nothing_is_of_one_machine: [
        Source("a.md", "see https://" + "py" + "pi.org/project/x"),
        Source("a.py", "ROOT = '/ho" + "me/somebody/project'"),
        Source("a.sh", "cd /wo" + "rk/main"),
        Source("a.sh", "source /ro" + "ot/.profile"),
    ],
}
FINE: dict[Rule, list[Source]] = {
    modules_are_short: [Source("a.py", "x = 1\n" * LONGEST_MODULE)],
    functions_are_short: [
        Source("a.py", _body(LONGEST_FUNCTION)),
        Source("a.py", 'def f():\n    """' + "Long.\n" * 50 + '    """\n    return 1\n'),
    ],
    functions_take_few_arguments: [Source("a.py", "def f(self, a, b, c, d, e, *, g):\n    pass\n")],
    packages_hold_no_code: [
        Source("a/__init__.py", '"""Doc."""\nfrom a import b\n__all__ = ["b"]\n')
    ],
    nothing_is_of_one_machine: [
        Source("a.md", "s3://bucket/ho" + "me/x and ~/ro" + "ot/x and $DIR/wo" + "rk/main"),
    ],
}


def of(rule: Rule) -> list[Source]:
    return everything() if rule is nothing_is_of_one_machine else product()


@pytest.mark.parametrize("rule", PLANTED, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    assert rule(of(rule)) == []


@pytest.mark.parametrize(
    ("rule", "bad"), [(rule, bad) for rule, sources in PLANTED.items() for bad in sources]
)
def test_the_rule_would_be_noticed_to_be_broken(rule: Rule, bad: Source) -> None:
    assert rule([bad]) != []


@pytest.mark.parametrize(
    ("rule", "fine"), [(rule, fine) for rule, sources in FINE.items() for fine in sources]
)
def test_the_rule_leaves_the_rest_alone(rule: Rule, fine: Source) -> None:
    assert rule([fine]) == []
