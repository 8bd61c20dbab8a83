"""What a job has delivered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from penstock.adapters.s3 import S3Objects
from penstock.domain.errors import PermanentError
from penstock.domain.job import Failure, Job
from penstock.domain.object_keys import output_keys
from penstock.ports import ObjectRef
from penstock_cli.aws import Connection
from penstock_cli.errors import WrongUsageError

Kind = Literal["predictions", "errors", "manifest"]

BLOCK = 1024**2
"""Bytes in memory at a time."""

_LARGEST_MANIFEST = 1024**2
"""Bytes; real ones have two or three thousand."""


def read_results(connection: Connection, job: Job, kind: Kind) -> Iterator[bytes]:
    """One of the job's outputs, in blocks; nothing for the errors of a job that had none.

    The manifest tells which objects are the job's: a later job on the same key overwrites them.

    Raises:
        PermanentError: the job isn't finished, delivered no such output, or it was overwritten.
    """
    if not job.status.terminal:
        message = f"job {job.job_id} is {job.status}; wait for its end (`penstock status`)"
        raise PermanentError("NotFinished", message)
    objects = S3Objects(connection.s3)
    text = _manifest(connection, objects, job)
    outputs, failure = _outputs_of(text, job)
    if kind == "manifest":
        return iter([text])
    if kind not in outputs:
        return _nothing(job, kind, failure)
    ref, size = outputs[kind]
    return objects.stream(ref, 0, size, BLOCK) if size else iter(())


def _manifest(connection: Connection, objects: S3Objects, job: Job) -> bytes:
    ref = ObjectRef(connection.stack.output_bucket, output_keys(_key_of(job)).manifest)
    try:
        return objects.read(ref, limit=_LARGEST_MANIFEST)
    except PermanentError as error:
        if error.code != "ObjectNotFound":
            raise
        message = f"job {job.job_id} ({job.status}) has no outputs any more: {error.message}"
        raise PermanentError("NoOutput", message) from error


def _key_of(job: Job) -> str:
    """The key that the outputs bear: a redrive that was merged has none of its own."""
    merged = (job.summary or {}).get("redrive", {}).get("records")
    return job.redrive.source.key if job.redrive and merged else job.source.key


Outputs = dict[str, tuple[ObjectRef, int]]
"""Where the outputs lie, with their sizes."""


def _outputs_of(manifest: bytes, job: Job) -> tuple[Outputs, Failure | None]:
    """Also why there are not all of them. Both may have changed since the job, by a redrive."""
    try:
        document = json.loads(manifest)
        owner, failure = document["job_id"], document["failure"]
        outputs = {
            name: (ObjectRef(each["bucket"], each["key"], etag=each["etag"]), int(each["size"]))
            for name, each in document["outputs"].items()
        }
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        message = (
            f"the manifest of job {job.job_id} is damaged: somebody wrote to the output bucket; "
            "get an earlier version of it, or drop the file again"
        )
        raise PermanentError("DamagedManifest", message) from error
    if owner not in (job.job_id, job.lineage):
        message = f"the outputs of job {job.job_id} were overwritten by job {owner} of the same key"
        raise PermanentError("Overwritten", message)
    return outputs, Failure(failure["code"], failure["message"]) if failure else None


def _nothing(job: Job, kind: Kind, failure: Failure | None) -> Iterator[bytes]:
    if kind == "errors" and failure is None:
        return iter(())
    reason = f": {failure.code}: {failure.message}" if failure else ""
    raise PermanentError("NoOutput", f"job {job.job_id} ({job.status}) has no {kind}{reason}")


def write_file(blocks: Iterator[bytes], path: Path) -> None:
    """The file is there only when it is whole.

    Raises:
        WrongUsageError: it cannot be written there.
    """
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            for block in blocks:
                file.write(block)
        partial.replace(path)
    except OSError as error:
        raise WrongUsageError("CannotWrite", f"cannot write {path}: {error.strerror}") from error
