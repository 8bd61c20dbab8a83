"""How far a job has come, in records."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from penstock.adapters import items
from penstock.adapters.aws import translated
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.job import Job, JobStatus
from penstock.use_cases.settle_chunk import chunks_kind
from penstock.use_cases.split_input import regions_of

KEYS_PER_CALL = 100
"""Most keys of a BatchGetItem (DynamoDB API Reference)."""

Children = frozenset[int]


@dataclass(frozen=True, slots=True)
class Progress:
    """A job at one moment. `status` None: its upload is not accepted yet.

    Totals are None until splitting has found them. `records_done` is in proportion to the chunks
    while the job runs, and exact at its end. `stopping` is how a job that was stopped will end.
    """

    status: JobStatus | None = None
    regions_done: int = 0
    regions_total: int | None = None
    chunks_done: int = 0
    chunks_total: int | None = None
    records_done: int = 0
    records_total: int | None = None
    stopping: JobStatus | None = None


def progress(job: Job, *, regions_done: int = 0, chunks_done: int = 0) -> Progress:
    """From the job item and the counts of what has been reported done."""
    regions = len(regions_of(job))
    stopping = job.stop.status if job.stop and not job.status.terminal else None
    if job.totals is None:
        return Progress(job.status, regions_done, regions, stopping=stopping)
    chunks = job.totals.chunks
    if job.status is not JobStatus.RUNNING:
        chunks_done = chunks
    return Progress(
        status=job.status,
        regions_done=regions,
        regions_total=regions,
        chunks_done=chunks_done,
        chunks_total=chunks,
        records_done=_share(job.totals.records, chunks_done, chunks),
        records_total=job.totals.records,
        stopping=stopping,
    )


def _share(whole: int, done: int, of: int) -> int:
    return whole if done >= of else whole * done // of


class Meter:
    """Reads the progress of one job, again and again; finished segments only once."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._finished: dict[int, int] = {}

    def read(self, job: Job) -> Progress:
        if job.status is JobStatus.RUNNING and job.totals:
            return progress(job, chunks_done=self._chunks_done(job.job_id, job.totals.segments))
        if job.status.terminal or job.totals:
            return progress(job)
        regions = len(regions_of(job))
        return progress(job, regions_done=len(self._leaves(job.job_id, "regions", regions)))

    def _chunks_done(self, job_id: str, segments: int) -> int:
        # The finished segments first: what is read of their chunks after that is final.
        finished = self._leaves(job_id, "segments", segments)
        unread = [number for number in range(segments) if number not in self._finished]
        keys = {number: items.done_key(job_id, chunks_kind(number), 0, 0) for number in unread}
        done_sets = self._read(keys.values())
        sizes = {number: len(done_sets.get(_pk(key), ())) for number, key in keys.items()}
        self._finished |= final_sizes(sizes, finished)
        # A segment is in one of the two sums: `sizes` has those that were open before.
        return sum((sizes | self._finished).values())

    def _leaves(self, job_id: str, kind: str, leaves: int) -> Children:
        """The leaves of a done-tree that are done; a single leaf has no tree."""
        nodes = range(-(-leaves // FAN_OUT)) if leaves > 1 else range(0)
        keys = {node: items.done_key(job_id, kind, 0, node) for node in nodes}
        done_sets = self._read(keys.values())
        return frozenset(
            node * FAN_OUT + child
            for node, key in keys.items()
            for child in done_sets.get(_pk(key), ())
        )

    def _read(self, keys: Iterable[items.Item]) -> dict[str, Children]:
        """The done-sets that exist, by partition key."""
        found: dict[str, Children] = {}
        with translated(f"table {self._table}"):
            for batch in _batches(keys, KEYS_PER_CALL):
                found |= self._read_batch(batch)
        return found

    def _read_batch(self, keys: list[items.Item]) -> dict[str, Children]:
        found: dict[str, Children] = {}
        while keys:
            request = {"Keys": keys, "ConsistentRead": True, "ProjectionExpression": "pk, done"}
            answer = self._dynamodb.batch_get_item(RequestItems={self._table: request})
            for item in answer["Responses"].get(self._table, []):
                found[item["pk"]["S"]] = frozenset(map(int, item["done"]["NS"]))
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return found


def final_sizes(sizes: Mapping[int, int], finished: Children) -> dict[int, int]:
    """Chunks of the finished segments among `sizes`. One without a done-set had a single chunk."""
    return {number: size or 1 for number, size in sizes.items() if number in finished}


def _pk(key: items.Item) -> str:
    return str(key["pk"]["S"])


def _batches(keys: Iterable[items.Item], size: int) -> Iterator[list[items.Item]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, size)):
        yield batch
