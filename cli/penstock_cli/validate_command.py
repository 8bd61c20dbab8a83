"""`penstock validate`."""

from pathlib import Path

import click

from penstock.domain.errors import PermanentError
from penstock.domain.legible import legible
from penstock.domain.pipeline import Pipeline
from penstock.pipeline_file import MAXIMUM_FILE, InvalidPipelineError, load_pipeline
from penstock_cli.quantities import duration, plural, size


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def validate(file: Path) -> None:
    """Check FILE, a _pipeline.yaml, without a stack.

    Exit code 1 if it is invalid; each problem is a line on stderr.
    """
    click.echo(f"{legible(str(file))} is valid: {gist(validated(file))}")


def validated(file: Path) -> Pipeline:
    """The pipeline of the file, or each problem on stderr and exit code 1."""
    try:
        with file.open("rb") as content:
            return load_pipeline(content.read(MAXIMUM_FILE + 1), legible(str(file)))
    except PermanentError as error:
        for problem in _problems(error):
            click.echo(problem, err=True)
        raise SystemExit(1) from error


def _problems(error: PermanentError) -> tuple[str, ...]:
    return error.problems if isinstance(error, InvalidPipelineError) else (error.message,)


def gist(pipeline: Pipeline) -> str:
    invoke, chunk = pipeline.invoke, pipeline.chunk
    return (
        f"{invoke.mode} on endpoint {invoke.endpoint}, chunks of at most "
        f"{plural(chunk.max_records, 'record')} and {size(chunk.max_bytes)}, "
        f"deadline {duration(pipeline.deadline)}"
    )
