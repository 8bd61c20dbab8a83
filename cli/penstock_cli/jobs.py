"""Finding jobs in the table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from penstock.adapters import items
from penstock.adapters.aws import translated
from penstock.domain.job import Job
from penstock_cli.aws import Connection
from penstock_cli.errors import WrongUsageError

_ID = re.compile(r"[0-9a-f]{20}")
_PREFIX = re.compile(r"[0-9a-f]{4,19}")


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a stack, to be read."""

    dynamodb: Any
    table: str

    @classmethod
    def of(cls, connection: Connection) -> "Jobs":
        return cls(connection.dynamodb, connection.stack.table)

    def get(self, job_id: str) -> Job | None:
        with translated(f"job {job_id}"):
            answer = self.dynamodb.get_item(
                TableName=self.table, Key=items.job_key(job_id), ConsistentRead=True
            )
        return items.job_of(answer["Item"]) if "Item" in answer else None

    def newest(self, limit: int) -> list[Job]:
        return list(islice(self._listed(Limit=limit), limit))

    def find(self, reference: str) -> Job:
        """The job of an id, of the unique beginning of one, or of a file.

        A file is an s3:// URI, a key or the last part of one, and stands for its newest job.

        Raises:
            WrongUsageError: no job, or several.
        """
        found = self._by_id(reference) or self._by_file(reference)
        if found is None:
            message = (
                f"no job {reference}: give a job id, at least 4 digits that begin one, or the name "
                "of a file; `penstock status` lists the newest jobs"
            )
            raise WrongUsageError("NoSuchJob", message)
        return found

    def _by_id(self, reference: str) -> Job | None:
        if _ID.fullmatch(reference):
            return self.get(reference)
        if not _PREFIX.fullmatch(reference):
            return None
        found = list(
            self._listed(
                FilterExpression="begins_with(job_id, :text)",
                ExpressionAttributeValues={":text": {"S": reference}},
            )
        )
        if len(found) > 1:
            several = ", ".join(job.job_id for job in found[:5])
            message = f"{reference} begins several job ids; give more digits: {several}"
            raise WrongUsageError("SeveralJobs", message)
        return found[0] if found else None

    def _by_file(self, reference: str) -> Job | None:
        bucket, key = location(reference)
        listed = self._listed(
            # Where the key ends in the item's JSON: spares the way here to most other jobs.
            FilterExpression="contains(#snapshot, :text)",
            ExpressionAttributeNames={"#snapshot": "snapshot"},  # a reserved word
            ExpressionAttributeValues={":text": {"S": items.dumps(key)[1:]}},
        )
        return next((job for job in listed if _is_of(job, bucket, key)), None)

    def _listed(self, **query: Any) -> Iterator[Job]:
        """Newest first."""
        values = query.pop("ExpressionAttributeValues", {})
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=items.LISTING,
            KeyConditionExpression="listing = :jobs",
            ExpressionAttributeValues={":jobs": {"S": "JOBS"}, **values},
            ScanIndexForward=False,
            **query,
        )
        with translated(f"table {self.table}"):
            for page in pages:
                yield from map(items.job_of, page["Items"])


def location(reference: str) -> tuple[str | None, str]:
    """Bucket, if it is known, and key."""
    if not reference.startswith("s3://"):
        return None, reference
    bucket, _, key = reference.removeprefix("s3://").partition("/")
    return bucket, key


def _is_of(job: Job, bucket: str | None, key: str) -> bool:
    source = job.source
    if bucket is not None:
        return (source.bucket, source.key) == (bucket, key)
    return source.key == key or source.key.endswith(f"/{key}")
