"""What the commands that talk to a stack have in common."""

import functools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from penstock_cli.aws import Connection, connect
from penstock_cli.target import Choice, Target, choose_target


def somebody_types() -> bool:
    """Whether there is anybody to ask."""
    return sys.stdin.isatty()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tests replace."""

    connect: Callable[[Target], Connection] = connect
    directory: Callable[[], Path] = Path.cwd
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    interactive: Callable[[], bool] = somebody_types


@dataclass(frozen=True, slots=True)
class Work:
    """A stack to work on, time, and whether somebody may be asked."""

    connection: Connection
    now: Callable[[], float]
    sleep: Callable[[float], None]
    interactive: Callable[[], bool]


_OPTIONS = (
    click.option(
        "--stack",
        metavar="NAME",
        envvar="PENSTOCK_STACK",
        show_envvar=True,
        help="CloudFormation stack on AWS; without it, the local stack.",
    ),
    click.option("--region", metavar="REGION", help="AWS region of --stack."),
    click.option("--profile", metavar="PROFILE", help="AWS credentials profile for --stack."),
)


def on_stack(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --stack, --region and --profile; the command gets a Work as its first argument."""

    @functools.wraps(command)
    def connected(around: Surroundings | None, /, **given: Any) -> Any:
        around = around or Surroundings()
        choice = Choice(*(given.pop(name) for name in ("stack", "region", "profile")))
        target = choose_target(choice, around.directory())
        connection = around.connect(target)
        return command(Work(connection, around.now, around.sleep, around.interactive), **given)

    decorated: Callable[..., Any] = click.pass_obj(connected)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
