"""`penstock connect`."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from penstock.domain.legible import legible
from penstock.domain.pipeline import Pipeline
from penstock.pipeline_fields import NAME
from penstock.pipeline_file import load_pipeline
from penstock_cli.endpoint_facts import EndpointFacts
from penstock_cli.endpoint_look import EndpointLook, stack_facts
from penstock_cli.errors import WrongUsageError
from penstock_cli.json_output import echo_json
from penstock_cli.options import Work, on_stack
from penstock_cli.render import console_for, name_text
from penstock_cli.suitability import Finding, findings, suits
from penstock_cli.validate_command import validated

_STYLES = {"fine": "green", "warning": "yellow", "problem": "red", "unchecked": "dim"}
_NAME = re.compile(NAME)
_LONGEST_NAME = 63


@click.command(
    epilog="Exit codes: 0 it suits; 1 something has to be changed, or you may not look at it; "
    "2 wrong usage."
)
@click.argument("endpoint")
@click.option(
    "--pipeline",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The _pipeline.yaml that it is to suit; without it, one that only names the endpoint.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
@on_stack
def connect(work: Work, *, endpoint: str, file: Path | None, as_json: bool) -> None:
    """Check that ENDPOINT suits a pipeline and the stack, and say what to change."""
    pipeline = _pipeline_for(endpoint, file)
    stack = stack_facts(work.connection)
    look = EndpointLook(work.connection.client)
    facts = look(endpoint, stack, pipeline.invoke.target.variant)
    found = list(findings(facts, pipeline, stack))
    verdict = suits(facts, found)
    if as_json:
        echo_json(_document(facts, found, verdict=verdict))
    else:
        console_for().print(finding_table(found))
        click.echo(_words(found, verdict=verdict), err=True)
    if not verdict:
        raise SystemExit(1)


def _pipeline_for(endpoint: str, file: Path | None) -> Pipeline:
    """Raises WrongUsageError for what is no name, and for a pipeline of another endpoint."""
    _check_name(endpoint)
    if file is None:
        return load_pipeline(f"invoke: {{mode: auto, endpoint: '{endpoint}'}}", "no file")
    pipeline = validated(file)
    named = pipeline.invoke.endpoint
    if named != endpoint:
        named = f"endpoint {named}" if named else "Batch Transform, without an endpoint"
        message = f"{legible(str(file))} is for {named}, not {legible(endpoint)}"
        raise WrongUsageError("OtherEndpoint", message)
    return pipeline


def _check_name(endpoint: str) -> None:
    if len(endpoint) > _LONGEST_NAME or not _NAME.fullmatch(endpoint):
        message = (
            f"{legible(endpoint)} is no endpoint's name, which has letters, digits and hyphens, "
            f"at most {_LONGEST_NAME}; give the name alone, not its ARN"
        )
        raise WrongUsageError("BadEndpointName", message)


def finding_table(found: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # names are to be copied: none is cut off
    for each in found:
        what = name_text(each.what)
        if each.remedy:
            what.append(f"\n-> {each.remedy}", style="bold")
        label = "not checked" if each.level == "unchecked" else each.level
        table.add_row(Text(label, style=_STYLES[each.level]), what)
    return table


def _words(found: list[Finding], *, verdict: bool | None) -> str:
    if verdict is None:
        return "it could not be checked"
    if not verdict:
        return f"{_count(found, 'problem')} to change"
    warnings = _count(found, "warning")
    return f"it suits, with {warnings} to think of" if warnings else "it suits"


def _count(found: list[Finding], level: str) -> int:
    return sum(each.level == level for each in found)


def _document(
    facts: EndpointFacts, found: list[Finding], *, verdict: bool | None
) -> dict[str, Any]:
    return {
        "endpoint": facts.name,
        "status": facts.status,
        "suits": verdict,
        "findings": [asdict(each) for each in found],
    }
