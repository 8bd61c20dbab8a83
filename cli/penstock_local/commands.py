"""`penstock local …`: the local stack from the command line."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock_local import inspection, logs, stack
from penstock_local.errors import LocalStackError
from penstock_local.layout import Layout, project_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

state_dir_option = click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where a second stack keeps its state.  [default: .penstock]",
)


@click.group("local")
def local() -> None:
    """Run the whole stack on this machine, without an AWS account."""


@local.command("up")
@click.option("--endpoint-name", default=stack.DEFAULT_ENDPOINT, show_default=True)
@click.option("--template", type=click.Path(path_type=Path, exists=True), hidden=True)
@state_dir_option
def up_command(endpoint_name: str, template: Path | None, state_dir: Path | None) -> None:
    """Start the stack, deploy the template, write .penstock/local.json."""
    began = time.monotonic()
    wanted = stack.Wanted(_layout(state_dir), endpoint_name, template)
    with _errors_as_messages():
        stack.up(wanted, click.echo)
    seconds = time.monotonic() - began
    click.echo(f"up in {seconds:.0f} s; addresses are in {_relative(wanted.layout.local_json)}")


@local.command("down")
@state_dir_option
def down_command(state_dir: Path | None) -> None:
    """Stop the stack. What it stored is gone."""
    with _errors_as_messages():
        if not stack.down(_layout(state_dir), click.echo):
            click.echo("nothing was running")


@local.command("status")
@state_dir_option
def status_command(state_dir: Path | None) -> None:
    """Show what runs; the exit code is 0 if the stack is up, else 1."""
    document = stack.running(_layout(state_dir))
    if not document:
        click.echo("down; `penstock local up` starts it")
        sys.exit(1)
    click.echo(f"up\n  AWS        {document['aws_endpoint_url']}")
    click.echo(f"  SageMaker  {document['sagemaker_endpoint_url']}")
    click.echo("\nfunctions")
    for function in inspection.functions(document):
        click.echo(f"  {function.name}")
    click.echo(f"\n{'queues':30} {'waiting':>9} {'in flight':>9} {'delayed':>9}")
    for queue in inspection.queues(document):
        click.echo(f"  {queue.name:28} {queue.waiting:9} {queue.in_flight:9} {queue.delayed:9}")


@local.command("logs")
@click.argument("function", required=False)
@click.option("--follow", "-f", is_flag=True, help="Wait for more until interrupted.")
@click.option("--since", default="1h", show_default=True, help="How far back: 90s, 10m, 2h, 1d.")
@state_dir_option
def logs_command(
    function: str | None,
    since: str,
    state_dir: Path | None,
    *,
    follow: bool,
) -> None:
    """Show the logs of every function, or of FUNCTION, in the order of time."""
    with _errors_as_messages():
        document = _running(_layout(state_dir))
        chosen = logs.choose(inspection.functions(document), function)
        start = datetime.now(UTC) - logs.parse_duration(since)
        lines = logs.follow(document, chosen, start) if follow else None
        for line in lines or logs.read(document, chosen, start):
            click.echo(line.render())


def _running(layout: Layout) -> dict[str, str]:
    document = stack.running(layout)
    if not document:
        raise LocalStackError("the local stack is down; `penstock local up` starts it")
    return document


def _layout(state_dir: Path | None) -> Layout:
    default = project_layout()
    return Layout(default.root, state_dir.resolve()) if state_dir else default


def _relative(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    try:
        yield
    except LocalStackError as error:
        raise click.ClickException(str(error)) from error
