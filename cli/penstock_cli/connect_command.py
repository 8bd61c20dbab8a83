"""`penstock connect`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from penstock.adapters.aws import translated
from penstock.domain.pipeline import Pipeline
from penstock.pipeline_file import load_pipeline
from penstock_cli.aws import Connection
from penstock_cli.endpoint_facts import EndpointFacts, StackFacts
from penstock_cli.endpoint_look import EndpointLook
from penstock_cli.errors import WrongUsageError
from penstock_cli.json_output import echo_json
from penstock_cli.options import Work, on_stack
from penstock_cli.render import console_for, name_text
from penstock_cli.suitability import Finding, findings
from penstock_cli.validate_command import validated

_STYLES = {"fine": "green", "warning": "yellow", "problem": "red", "unchecked": "dim"}
_NAMES = ("EndpointName", "EndpointNamePattern")


@click.command(epilog="Exit codes: 0 it suits; 1 something has to be changed.")
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
    facts = EndpointLook(work.connection.client)(endpoint, stack)
    found = list(findings(facts, pipeline, stack))
    suits = not any(each.level == "problem" for each in found)
    if as_json:
        echo_json(_document(facts, found, suits=suits))
    else:
        console_for().print(_table(found))
        click.echo(_verdict(found, suits=suits), err=True)
    if not suits:
        raise SystemExit(1)


def _pipeline_for(endpoint: str, file: Path | None) -> Pipeline:
    """Raises WrongUsageError for a pipeline of another endpoint."""
    if file is None:
        text = f"invoke: {{mode: auto, endpoint: {endpoint!r}}}"
        return load_pipeline(text, "the endpoint's name")
    pipeline = validated(file)
    named = pipeline.invoke.endpoint
    if named != endpoint:
        message = f"{file} is for endpoint {named or 'no endpoint'}, not {endpoint}"
        raise WrongUsageError("OtherEndpoint", message)
    return pipeline


def stack_facts(connection: Connection) -> StackFacts:
    """Raises WrongUsageError for a stack of an earlier template."""
    stack = connection.stack
    with translated(f"stack {stack.name}"):
        described = connection.client("cloudformation").describe_stacks(StackName=stack.name)
    given = {
        each["ParameterKey"]: each["ParameterValue"]
        for each in described["Stacks"][0].get("Parameters", [])
    }
    return StackFacts(
        work_bucket=stack.output("WorkBucketName"),
        success_topic=stack.output("InferenceSuccessTopicArn"),
        error_topic=stack.output("InferenceErrorTopicArn"),
        endpoint_names=" ".join(given.get(name, "") for name in _NAMES),
    )


def _table(found: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for each in found:
        what = name_text(each.what)
        if each.remedy:
            what.append(f"\n-> {each.remedy}", style="bold")
        label = "not checked" if each.level == "unchecked" else each.level
        table.add_row(Text(label, style=_STYLES[each.level]), what)
    return table


def _verdict(found: list[Finding], *, suits: bool) -> str:
    problems = sum(each.level == "problem" for each in found)
    if not suits:
        return f"{problems} to change"
    warnings = sum(each.level == "warning" for each in found)
    return f"it suits, with {warnings} to think of" if warnings else "it suits"


def _document(facts: EndpointFacts, found: list[Finding], *, suits: bool) -> dict[str, Any]:
    return {
        "endpoint": facts.name,
        "status": facts.status,
        "suits": suits,
        "findings": [asdict(each) for each in found],
    }
