"""What the names of objects mean."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from penstock.domain.errors import PermanentError

PIPELINE_FILE = "_pipeline.yaml"
OUTPUT_SUFFIXES = (".out", ".errors.jsonl", ".manifest.json")
MAXIMUM_KEY_BYTES = 1024
"""Bytes of UTF-8 in an S3 key (S3 User Guide, "Naming Amazon S3 objects")."""

_UNREAD = {
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"), "decompress it"),
    **dict.fromkeys((".xlsx", ".xls"), "save it as CSV in UTF-8"),
    **dict.fromkeys((".parquet", ".avro", ".orc"), "convert it to CSV or JSON Lines"),
}
"""Files that are no lines of text, and what their owner can do. Nothing here decompresses."""

Meaning = Literal["input", "pipeline", "ignored"]


def meaning_of(key: str, size: int) -> Meaning:
    """What an object that appears in the input bucket asks for."""
    name = key.rsplit("/", 1)[-1]
    if name == PIPELINE_FILE:
        return "pipeline"
    if name == "" and size > 0:
        return "input"
    return "ignored" if name == "" or name[0] in "_." else "input"


def pipeline_candidates(key: str) -> Iterator[str]:
    """Where a key's pipeline file may lie, nearest first."""
    prefix = key
    while "/" in prefix:
        prefix = prefix.rsplit("/", 1)[0]
        yield f"{prefix}/{PIPELINE_FILE}"
    yield PIPELINE_FILE


def pipeline_name(source: str) -> str:
    """The prefix that a pipeline file governs, for people and for SNS filter policies."""
    return source.removesuffix(PIPELINE_FILE).rstrip("/") or "default"


@dataclass(frozen=True, slots=True)
class OutputKeys:
    """Where a job delivers, all in the output bucket."""

    predictions: str
    errors: str
    manifest: str


def output_keys(key: str) -> OutputKeys:
    return OutputKeys(*(key + suffix for suffix in OUTPUT_SUFFIXES))


def redriven_key(key: str) -> str | None:
    """The key whose failed records an object of this name brings back; None if it is no such."""
    suffix = OUTPUT_SUFFIXES[1]
    return key.removesuffix(suffix) if key.endswith(suffix) else None


def check_input_key(key: str) -> None:
    """Refuse a name whose outputs could not be written or would be mistaken for another's.

    Also one that says that the file holds no text.

    Raises:
        PermanentError: says how to rename the file.
    """
    suffix = next((s for s in OUTPUT_SUFFIXES if key.endswith(s)), None)
    if suffix is not None:
        message = (
            f"the name ends in {suffix}, as outputs of Penstock do; "
            f"rename the file, for example to {key.removesuffix(suffix).rsplit('/', 1)[-1]}"
        )
        if redriven_key(key):
            message += "; `penstock redrive` runs failed records again"
        raise PermanentError("OutputNameCollision", message)
    _check_readable(key)
    check_key_length(key)


def check_key_length(key: str) -> None:
    """Raises PermanentError `KeyTooLong`: the end of its job could not be told."""
    longest = len(output_keys(key).manifest.encode("utf-8", "surrogatepass"))
    if longest > MAXIMUM_KEY_BYTES:
        message = (
            f"the key is {longest - MAXIMUM_KEY_BYTES} bytes too long for its output "
            f"<key>.manifest.json to fit S3's {MAXIMUM_KEY_BYTES} bytes; shorten the name"
        )
        raise PermanentError("KeyTooLong", message)


def _check_readable(key: str) -> None:
    suffix = next((each for each in _UNREAD if key.lower().endswith(each)), None)
    if suffix is not None:
        message = f"files that end in {suffix} are not read; {_UNREAD[suffix]} and drop it again"
        raise PermanentError("UnreadableFormat", message)
