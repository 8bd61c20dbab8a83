"""Dropping a file into a stack."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock.domain.errors import PermanentError
from penstock.domain.identity import job_id_of
from penstock.domain.legible import is_whole, legible
from penstock.domain.object_keys import check_input_key, meaning_of, output_keys
from penstock_cli.aws import Connection, upload
from penstock_cli.errors import WrongUsageError

_LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Submission:
    """A file that is in, and the job that follows from it. Locations are s3:// URIs."""

    job_id: str
    input: str
    predictions: str


def input_key(path: Path, pipeline: str | None = None, name: str | None = None) -> str:
    """The key under which a file goes through a pipeline.

    Raises:
        WrongUsageError: no job would come of it; says how to rename the file.
    """
    name = name or path.name
    key = f"{pipeline.strip('/')}/{name}" if pipeline and pipeline.strip("/") else name
    if not is_whole(key):
        message = f"{key} is not UTF-8, as names in S3 are; give the file another with --name"
        raise WrongUsageError("NoInputName", message)
    if meaning_of(key, path.stat().st_size) != "input":
        message = (
            f"an object named {key} starts no job: names that begin with _ or . are "
            "configuration; give the file another name with --name"
        )
        raise WrongUsageError("NoInputName", message)
    try:
        check_input_key(key)
    except PermanentError as error:
        message = f"{legible(key, _LONGEST_SHOWN)}: {error.message} (--name)"
        raise WrongUsageError(error.code, message) from error
    return key


def submit(
    connection: Connection, path: Path, key: str, sent: Callable[[int], None] = lambda _: None
) -> Submission:
    """Uploads the file; `sent` is told how many more bytes of a large one have gone.

    Raises:
        PermanentError: the file could not be uploaded, or its job cannot be told.
    """
    stack = connection.stack
    version = upload(connection.s3, path, (stack.input_bucket, key), sent)
    if version is None:
        message = (
            f"{key} is uploaded, but bucket {stack.input_bucket} keeps no versions, so that its "
            f"job cannot be told from others; see `penstock status {key}`"
        )
        raise PermanentError("NoVersion", message)
    return Submission(
        job_id=job_id_of(stack.input_bucket, key, version),
        input=f"s3://{stack.input_bucket}/{key}",
        predictions=f"s3://{stack.output_bucket}/{output_keys(key).predictions}",
    )
