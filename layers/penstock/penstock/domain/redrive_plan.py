"""Whether failed records can run again, and be merged into what was delivered."""

from collections.abc import Iterator
from dataclasses import asdict, replace

from penstock.domain.delivered import Delivered
from penstock.domain.errors import PermanentError
from penstock.domain.job import Redrive, Source
from penstock.domain.manifest import StoredObject
from penstock.domain.object_keys import OutputKeys, output_keys
from penstock.domain.pipeline import Pipeline

LARGEST_MERGE = 8 * 1024**3
"""Bytes that are merged within half of the time that the function has, beside a slow network; those
of error lines count twice. docs/performance.md has the measurements."""


def plan_redrive(
    dropped: Source, key: str, manifest: StoredObject, delivered: Delivered
) -> Redrive:
    """What the lines that were dropped are merged into.

    Args:
        key: of the file whose records failed.
        manifest: where `delivered` was read from.

    Raises:
        PermanentError: `NothingToRedrive`, `OutputTooLarge`, `DamagedManifest`.
    """
    predictions, errors = failed_outputs(delivered)
    _check_places(delivered, manifest.bucket, output_keys(key))
    if (delivered.source.bucket, delivered.source.key) != (dropped.bucket, key):
        raise _damaged(manifest.key)
    _check_sizes(predictions.size, errors.size + dropped.size)
    return Redrive(
        lineage=delivered.job_id,
        source=delivered.source,
        manifest=_source(manifest),
        predictions=predictions,
        errors=errors,
        records=delivered.tally.total,
        failed=delivered.tally.failed,
        header=delivered.header,
    )


def failed_outputs(delivered: Delivered) -> tuple[Source, Source]:
    """The predictions and the error file. Raises PermanentError `NothingToRedrive`."""
    job, key = delivered.job_id, delivered.source.key
    if delivered.predictions is None:
        message = (
            f"job {job} of {key} delivered nothing: mend what its manifest says is wrong, "
            f"and drop {key} again"
        )
        raise PermanentError("NothingToRedrive", message)
    if delivered.errors is None:
        message = f"no record of {key} is without a prediction: there is nothing to run again"
        raise PermanentError("NothingToRedrive", message)
    return delivered.predictions, delivered.errors


def check_pipeline(delivered: Delivered, pipeline: Pipeline) -> None:
    """Refuses a pipeline that would read other records, or write rows that look different.

    Raises:
        PermanentError: `PipelineDiffers`; says what to restore.
    """
    differences = list(_differences(delivered.pipeline, pipeline, delivered.source.key))
    if differences:
        message = (
            f"the output was written with another pipeline than {pipeline.source} is now; restore "
            f"{', '.join(differences)}, or drop the whole file again"
        )
        raise PermanentError("PipelineDiffers", message)


def of_records(pipeline: Pipeline, key: str) -> Pipeline:
    """The same for records that do not come from a file with this name."""
    return replace(
        pipeline,
        invoke=replace(
            pipeline.invoke,
            content_type=pipeline.content_type_of(key),
            accept=pipeline.accept_of(key),
        ),
        input=replace(pipeline.input, format=pipeline.format_of(key)),
    )


def _differences(before: Pipeline, now: Pipeline, key: str) -> Iterator[str]:
    known, found = _lines(before, key), _lines(now, key)
    for name, value in known.items():
        if found[name] != value:
            yield f"`{name}: {value}`"


def _lines(pipeline: Pipeline, key: str) -> dict[str, str]:
    """What tells records apart, and what their rows look like."""
    given, output = pipeline.input, pipeline.output
    return {
        "input.format": pipeline.format_of(key),
        "input.header": "false" if given.header == "absent" else "true",
        "input.delimiter": given.delimiter,
        "invoke.accept": pipeline.accept_of(key),
        "output.join": output.join,
        "output.on_error": "omit" if output.on_error == "omit" else "inline",
    }


def _check_places(delivered: Delivered, bucket: str, keys: OutputKeys) -> None:
    """Nobody makes the functions read another object than an output."""
    found = [delivered.predictions, delivered.errors]
    places = [(each.bucket, each.key) for each in found if each]
    if places != [(bucket, keys.predictions), (bucket, keys.errors)]:
        raise _damaged(keys.manifest)


def _check_sizes(output: int, lines: int) -> None:
    if output + 2 * lines > LARGEST_MERGE:
        message = (
            f"merging {lines} bytes of error file and redriven lines into {output} of output would "
            "take too long; drop the records that failed as a file of their own"
        )
        raise PermanentError("OutputTooLarge", message)


def _damaged(name: str) -> PermanentError:
    message = f"{name} names objects that are not its own; get an earlier version of it"
    return PermanentError("DamagedManifest", message)


def _source(stored: StoredObject) -> Source:
    return Source(**{name: value for name, value in asdict(stored).items() if name != "checksum"})
