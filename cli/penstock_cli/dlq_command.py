"""`penstock dlq`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from penstock.domain.manifest import iso
from penstock_cli.dead_letters import QUEUES, DeadLetterQueue, Look
from penstock_cli.errors import WrongUsageError
from penstock_cli.json_output import echo_json
from penstock_cli.letters import Letter
from penstock_cli.options import Work, on_stack
from penstock_cli.quantities import age, plural, size
from penstock_cli.render import console_for, name_text

SHOWN = 20
_NONE = "-"
_LONGEST_NAME = 60


@click.command(epilog="Each look counts as a receive of the letters that it shows.")
@click.argument("queue", required=False, type=click.Choice(QUEUES))
@click.option("--redrive", is_flag=True, help="Send the visible letters back to their queue.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=f"Most letters to show (default {SHOWN}) or to send back (default all).",
)
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
@on_stack
def dlq(work: Work, *, queue: str | None, redrive: bool, limit: int | None, as_json: bool) -> None:
    """Show what the dead-letter queues hold, or the letters in QUEUE.

    A letter is a message that failed ten times. handle_dead_letter makes an outcome of each as soon
    as it arrives; what stays in a queue could not be handled. A letter's contents are not shown.
    """
    if queue is None:
        if redrive or limit:
            message = f"--redrive and --limit need a QUEUE: one of {', '.join(QUEUES)}"
            raise WrongUsageError("NoQueue", message)
        _show_queues(work, as_json=as_json)
        return
    letters = DeadLetterQueue.of(work.connection, queue)
    if redrive:
        _redrive(work, letters, limit, as_json=as_json)
    else:
        _show_letters(work, letters, limit or SHOWN, as_json=as_json)


def _show_queues(work: Work, *, as_json: bool) -> None:
    looks = [DeadLetterQueue.of(work.connection, name).look() for name in QUEUES]
    if as_json:
        echo_json([_document(look) for look in looks])
        return
    rows = [
        [
            Text(look.queue),
            Text(f"{look.visible:,}"),
            Text(f"{look.in_flight:,}"),
            Text(_age(work, look.oldest_at)),
        ]
        for look in looks
    ]
    console_for().print(_table(("QUEUE", "VISIBLE", "IN FLIGHT", "OLDEST"), rows))
    _explain(work, looks)


def _show_letters(work: Work, queue: DeadLetterQueue, limit: int, *, as_json: bool) -> None:
    look = queue.look(limit)
    if as_json:
        shown = [_letter_document(letter) for letter in look.letters]
        echo_json(_document(look) | {"letters": shown})
        return
    if look.letters:
        columns = ("JOB", "KIND", "PATH", "RECEIVES", "SENT", "SIZE")
        rows = [list(_row(work, letter)) for letter in look.letters]
        console_for().print(_table(columns, rows))
    more = look.visible - len(look.letters)
    if more > 0:
        click.echo(f"{plural(more, 'more letter')}; see them with --limit", err=True)
    _explain(work, [look])


def _row(work: Work, letter: Letter) -> Iterator[Text]:
    subject = letter.subject
    yield name_text(_short(subject.job_id))
    yield Text(subject.kind)
    yield name_text(_short(subject.path))
    yield Text(f"{letter.receives:,}")
    yield Text(_age(work, letter.sent_at))
    yield Text(size(letter.size))


def _short(text: str | None) -> str:
    """Anybody may have written it, at any length."""
    if not text:
        return _NONE
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}..."


def _age(work: Work, at: float | None) -> str:
    return _NONE if at is None else age(work.now() - at)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        numeric = name in ("VISIBLE", "IN FLIGHT", "OLDEST", "RECEIVES", "SENT", "SIZE")
        table.add_column(name, no_wrap=True, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _explain(work: Work, looks: Sequence[Look]) -> None:
    """On stderr, so that a pipe gets the table alone."""
    visible = sum(look.visible for look in looks)
    in_flight = sum(look.in_flight for look in looks)
    if not visible and not in_flight:
        click.echo("no dead letters", err=True)
    if in_flight:
        click.echo(
            f"{plural(in_flight, 'letter')} in flight: handle_dead_letter is at work on them, or "
            "failed and tries again within 6 minutes; meanwhile nobody else can have them",
            err=True,
        )
    if visible:
        handler = work.connection.stack.outputs.get("HandleDeadLetterFunctionName")
        queue = looks[0].queue if len(looks) == 1 else "QUEUE"
        click.echo(
            f"{plural(visible, 'letter')} visible: what is not gone within a minute could not be "
            f"handled; the log of {handler or 'handle_dead_letter'} says why. When the cause is "
            f"gone: `penstock dlq {queue} --redrive`",
            err=True,
        )


def _redrive(work: Work, queue: DeadLetterQueue, limit: int | None, *, as_json: bool) -> None:
    console = console_for(stderr=True)
    with console.status(f"sending letters back to the {queue.name} queue") as shown:
        moved = queue.redrive(
            limit,
            lambda count: shown.update(f"{plural(count, 'letter')} sent back so far"),
            work.sleep,
        )
    look = queue.look()
    if as_json:
        echo_json(_document(look) | {"moved": moved})
        return
    click.echo(
        f"{plural(moved, 'letter')} moved from the dead letters back to the {queue.name} queue"
    )
    if look.visible or look.in_flight:
        _explain(work, [look])


def _document(look: Look) -> dict[str, Any]:
    return {
        "queue": look.queue,
        "visible": look.visible,
        "in_flight": look.in_flight,
        "oldest_at": iso(look.oldest_at) if look.oldest_at else None,
    }


def _letter_document(letter: Letter) -> dict[str, Any]:
    return {
        **asdict(letter.subject),
        "receives": letter.receives,
        "sent_at": iso(letter.sent_at),
        "size": letter.size,
        "message_id": letter.message_id,
    }
