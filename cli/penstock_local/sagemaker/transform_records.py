"""Splits an object into records and puts records together for requests. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from penstock_local.sagemaker.data_processing import Processing


class TooLargeError(ValueError):
    """A payload that can't be made small enough; the message says which."""


@dataclass(frozen=True)
class Batch:
    """`records` as they are in the object, `payload` as the container gets them."""

    records: tuple[bytes, ...]
    payload: bytes


def batches(
    records: Iterable[bytes], processing: Processing, maximum_bytes: int | None, *, single: bool
) -> Iterator[Batch]:
    """As many records as fit, or one at a time. Raises TooLargeError, RecordError."""
    held: list[bytes] = []
    payloads: list[bytes] = []
    size = 0
    for record in records:
        sent = processing.payload(record)
        if maximum_bytes is not None and len(sent) > maximum_bytes:
            raise TooLargeError(
                f"a record of {len(sent)} bytes exceeds MaxPayloadInMB, {maximum_bytes} bytes"
            )
        full = maximum_bytes is not None and size + len(sent) > maximum_bytes
        if held and (single or full):
            yield Batch(tuple(held), b"".join(payloads))
            held, payloads, size = [], [], 0
        held.append(record)
        payloads.append(sent)
        size += len(sent)
    if held:
        yield Batch(tuple(held), b"".join(payloads))


def lines(content: IO[bytes], longest: int | None) -> Iterator[bytes]:
    """Each with its newline. Raises TooLargeError before a line fills the memory."""
    limit = -1 if longest is None else longest + 1
    while line := content.readline(limit):
        if longest is not None and len(line) > longest:
            raise TooLargeError(f"a record exceeds MaxPayloadInMB, {longest} bytes")
        yield line


def whole(content: IO[bytes], longest: int | None) -> Iterator[bytes]:
    """The object as its only record. Raises TooLargeError."""
    record = content.read() if longest is None else content.read(longest + 1)
    if longest is not None and len(record) > longest:
        raise TooLargeError(
            f"the object exceeds MaxPayloadInMB, {longest} bytes, and is not split into records"
        )
    yield record
