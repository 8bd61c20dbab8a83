"""A group whose commands are imported when they are used: boto3 alone costs a third of a second."""

import importlib
from dataclasses import dataclass
from typing import Any

import click

from penstock.domain.errors import PenstockError
from penstock.domain.legible import legible
from penstock_cli.errors import WrongUsageError


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command lives; `help` stands here too, so that --help imports none of them."""

    module: str
    attribute: str
    help: str


class LazyGroup(click.Group):
    """Also turns our errors into a message on stderr and an exit code."""

    def __init__(self, *args: Any, lazy: dict[str, LazyCommand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = self._lazy.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(found.module), found.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in self._lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PenstockError as error:
            wrong = isinstance(error, WrongUsageError)
            message = legible(error.message)
            raise (_WrongUsage if wrong else click.ClickException)(message) from error


class _WrongUsage(click.ClickException):
    exit_code = 2
