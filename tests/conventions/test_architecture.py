"""Dependencies point one way: functions → use cases → domain; adapters know AWS, nobody else does.

Each rule is a function from sources to complaints; beside it stands a source that it complains of.
"""

from collections.abc import Callable, Iterable

import pytest

from tests.conventions.sources import STANDARD_LIBRARY, Source, in_folder, product

Rule = Callable[[Iterable[Source]], list[str]]

PENSTOCK = "layers/penstock/penstock"
AWS_PACKAGES = {"boto3", "botocore"}
KNOWS_AWS = (f"{PENSTOCK}/adapters/", "cli/penstock_local/", "cli/penstock_cli/aws.py")
OF_A_USE_CASE = (
    "penstock.domain",
    "penstock.ports",
    "penstock.ports_transform",
    "penstock.pipeline_file",
    "penstock.use_cases",
)


def domain_imports_only_itself(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in in_folder(sources, f"{PENSTOCK}/domain")
        for name in sorted(source.imports)
        if not _standard(name) and not _within(name, ("penstock.domain",))
    ]


def use_cases_import_domain_and_ports(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in in_folder(sources, f"{PENSTOCK}/use_cases")
        for name in sorted(source.imports)
        if not _standard(name) and not _within(name, OF_A_USE_CASE)
    ]


def ports_import_only_the_domain(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in sources
        if source.path.startswith(f"{PENSTOCK}/ports")
        for name in sorted(source.imports)
        if not _standard(name) and not _within(name, ("penstock.domain",))
    ]


def only_adapters_know_aws(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} imports {', '.join(sorted(source.packages & AWS_PACKAGES))}"
        for source in sources
        if source.packages & AWS_PACKAGES and not source.path.startswith(KNOWS_AWS)
    ]


def only_the_composition_knows_adapters(sources: Iterable[Source]) -> list[str]:
    """Besides adapters themselves: what builds the functions, and the tools on a laptop."""
    composition = ("bootstrap", "handler.py", "batches.py", "adapters/")
    allowed = tuple(f"{PENSTOCK}/{name}" for name in composition)
    return [
        f"{source.path} imports {name}"
        for source in in_folder(sources, PENSTOCK)
        for name in sorted(source.imports)
        if _within(name, ("penstock.adapters",)) and not source.path.startswith(allowed)
    ]


def functions_import_only_the_package(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in in_folder(sources, "functions")
        for name in sorted(source.imports)
        if not _standard(name) and not _within(name, ("penstock",))
    ]


def nothing_deployed_imports_the_command_line(sources: Iterable[Source]) -> list[str]:
    deployed = [source for source in sources if not source.path.startswith("cli/")]
    return [
        f"{source.path} imports {name}"
        for source in deployed
        for name in sorted(source.packages)
        if name in {"penstock_cli", "penstock_local", "tests"}
    ]


def nothing_in_use_imports_the_fakes(sources: Iterable[Source]) -> list[str]:
    return [
        f"{source.path} imports {name}"
        for source in sources
        if not source.path.startswith(f"{PENSTOCK}/testing/")
        for name in sorted(source.imports)
        if _within(name, ("penstock.testing",))
    ]


def _standard(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in STANDARD_LIBRARY


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


PLANTED: dict[Rule, list[Source]] = {
    domain_imports_only_itself: [
        Source(f"{PENSTOCK}/domain/x.py", "import jmespath"),
        Source(f"{PENSTOCK}/domain/x.py", "from penstock.ports import Queues"),
        Source(f"{PENSTOCK}/domain/x.py", "from . import job"),
        Source(f"{PENSTOCK}/domain/x.py", "def f():\n    from penstock.adapters import aws"),
        Source(f"{PENSTOCK}/domain/splitting/x.py", "import penstock.settings"),
    ],
    use_cases_import_domain_and_ports: [
        Source(f"{PENSTOCK}/use_cases/x.py", "from penstock.adapters.s3 import S3Objects"),
        Source(f"{PENSTOCK}/use_cases/x.py", "from penstock import adapters"),
        Source(f"{PENSTOCK}/use_cases/x.py", "import aws_lambda_powertools"),
    ],
    ports_import_only_the_domain: [
        Source(f"{PENSTOCK}/ports.py", "from penstock.use_cases import fan_in"),
    ],
    only_adapters_know_aws: [
        Source("functions/a/app.py", "import boto3"),
        Source(f"{PENSTOCK}/batches.py", "from botocore.exceptions import ClientError"),
        Source("cli/penstock_cli/jobs.py", "def f():\n    import boto3.session"),
    ],
    only_the_composition_knows_adapters: [
        Source(f"{PENSTOCK}/pipeline_file.py", "from penstock.adapters.s3 import S3Objects"),
        Source(f"{PENSTOCK}/testing/x.py", "import penstock.adapters"),
    ],
    functions_import_only_the_package: [
        Source("functions/a/app.py", "from functions.b import app"),
        Source("functions/a/app.py", "import yaml"),
        Source("functions/a/app.py", "from .b import app"),
    ],
    nothing_deployed_imports_the_command_line: [
        Source(f"{PENSTOCK}/bootstrap.py", "import penstock_local.stack"),
        Source("functions/a/app.py", "from tests.strategies import BOM"),
    ],
    nothing_in_use_imports_the_fakes: [
        Source("functions/a/app.py", "from penstock.testing import FakeTable"),
        Source("cli/penstock_cli/jobs.py", "from penstock import testing"),
    ],
}


@pytest.mark.parametrize("rule", PLANTED, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    assert rule(product()) == []


@pytest.mark.parametrize(
    ("rule", "bad"), [(rule, bad) for rule, sources in PLANTED.items() for bad in sources]
)
def test_the_rule_would_be_noticed_to_be_broken(rule: Rule, bad: Source) -> None:
    assert rule([bad]) != []
