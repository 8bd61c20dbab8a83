"""Whether the lines that were dropped are lines of the error file that they belong to."""

from collections.abc import Iterator

from penstock.domain.job import Redrive, Source
from penstock.domain.redrive import Lineage, check_lines, lines_of
from penstock.domain.splitting import Dialect
from penstock.ports import ObjectRef, ObjectStore

BLOCK = 1024**2
"""Bytes of either file that are read at a time."""


def check_redrive(
    objects: ObjectStore, dropped: Source, redrive: Redrive, dialect: Dialect
) -> None:
    """Reads both files once, side by side.

    Args:
        dialect: of the records, not of the lines.

    Raises:
        PermanentError: `InvalidRedrive`; one of the files is gone.
    """
    lineage = Lineage(redrive.lineage, redrive.source.key, dialect)
    lines, failed = (lines_of(blocks(objects, each)) for each in (dropped, redrive.errors))
    check_lines(lines, failed, lineage)


def blocks(objects: ObjectStore, source: Source) -> Iterator[bytes]:
    """The object from its beginning to its end."""
    if source.size:
        yield from objects.stream(ObjectRef.of(source), 0, source.size, BLOCK)
