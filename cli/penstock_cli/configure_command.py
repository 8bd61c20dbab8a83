"""`penstock configure`."""

from pathlib import Path

import click

from penstock.domain.legible import legible
from penstock.domain.object_keys import PIPELINE_FILE
from penstock_cli.aws import upload
from penstock_cli.options import Work, on_stack
from penstock_cli.validate_command import gist, validated

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option(
    "--pipeline",
    metavar="PREFIX",
    default="",
    help="Prefix in the input bucket that the file shall govern. Without it: the whole bucket.",
)
@on_stack
def configure(work: Work, *, file: Path, pipeline: str) -> None:
    """Check FILE and make it the _pipeline.yaml of a prefix.

    It holds for files that are dropped from now on; jobs keep the configuration they began with.
    """
    found = validated(file)
    prefix = pipeline.strip("/")
    key = f"{prefix}/{PIPELINE_FILE}" if prefix else PIPELINE_FILE
    bucket = work.connection.stack.input_bucket
    upload(work.connection.s3, file, (bucket, key), lambda _: None)
    click.echo(f"{legible(f's3://{bucket}/{key}')}: {gist(found)}")
