"""From what was seen of a job to what AWS bills for it. Pure.

The names of quantities are those of `penstock.domain.pricing.DOLLARS_PER_MILLION`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from benchmarks.recording import Exchange
from benchmarks.wire import (
    Operation,
    item_bytes,
    key_of,
    read_units,
    sqs_requests,
    write_units,
)

Name = TypeVar("Name")
"""Of what is counted."""

Units = Mapping[tuple[str, str], float]
Quantities = Mapping[str, float]
ItemSizes = Mapping[tuple[str, str], int]
"""Bytes of every item of the table, by its key, at the end of the job: no item ever shrinks."""

S3_FREE = frozenset({"AbortMultipartUpload"})
S3_READS = frozenset({"GetObject", "HeadObject"})
INDEXED = "JOB"
"""The sort key of the items that are in the table's index, too: they are written twice."""


@dataclass(frozen=True)
class LambdaUse:
    """Of one function during one job. `processor_seconds` is measured, not billed."""

    invocations: int = 0
    billed_ms: float = 0.0
    gigabytes: float = 0.0
    processor_seconds: float = 0.0
    log_bytes: int = 0

    @property
    def gb_seconds(self) -> float:
        return self.billed_ms / 1000 * self.gigabytes


@dataclass(frozen=True)
class Seen:
    """One job, seen from outside."""

    chunks: int
    exchanges: list[Exchange]
    items: ItemSizes
    functions: Mapping[str, LambdaUse]
    inferences: Counter[str] = field(default_factory=Counter)
    """What SageMaker itself read, wrote and published, by the local one's counts."""
    seconds: float = 0.0
    """From the drop until the end is on record."""


def billed(seen: Seen) -> dict[str, float]:
    """What the job costs in AWS requests, but for Lambda's time."""
    total: defaultdict[str, float] = defaultdict(float)
    invocations = sum(use.invocations for use in seen.functions.values())
    outside = {
        "lambda_request": float(invocations),
        # Lambda's poller receives a batch and deletes it: two requests.
        "sqs_request": 2.0 * invocations + seen.inferences["notifications_sent"],
        "s3_put": float(seen.inferences["answers_written"]),
        "s3_get": float(seen.inferences["inputs_read"]),
        "sns_publish": float(seen.inferences["notifications_sent"]),
        "log_megabyte": sum(use.log_bytes for use in seen.functions.values()) / 1e6,
    }
    for amounts in (outside, *(quantities(each, seen.items) for each in seen.exchanges)):
        for name, amount in amounts.items():
            total[name] += amount
    return dict(total)


def quantities(exchange: Exchange, items: ItemSizes) -> dict[str, float]:
    """What one request of a function is billed as."""
    match exchange.operation.service:
        case "s3":
            return _s3(exchange.operation)
        case "sqs":
            return {"sqs_request": sqs_requests(exchange.request)}
        case "sns":
            return {"sns_publish": 1}
        case "events":
            return {"event": 1}
        case "dynamodb":
            return _dynamodb(exchange, items)
    return {}


def _s3(operation: Operation) -> dict[str, float]:
    if operation.name in S3_FREE:
        return {}
    return {"s3_get" if operation.name in S3_READS else "s3_put": 1}


def _dynamodb(exchange: Exchange, items: ItemSizes) -> dict[str, float]:
    request = json.loads(exchange.request)
    if exchange.operation.name in {"GetItem", "Query"}:
        read = _items_read(json.loads(exchange.answer or b"{}"))
        size = sum(item_bytes(item) for item in read)
        units = read_units(size, consistent=request.get("ConsistentRead", False))
        return {"dynamodb_read_unit": units}
    key = key_of(request.get("Key") or request["Item"])
    units = write_units(items.get(key, 0))
    return {"dynamodb_write_unit": units * (2 if key[1] == INDEXED else 1)}


KINDS = {"#SEGMENT#": "chunk", "#DONE#": "done-set", "ENDPOINT#": "permits"}
"""What an item is, by a part of its partition key. Others are the job's own."""


def units_by_kind(seen: Seen) -> Units:
    """DynamoDB's units, by what the item is and whether it is read or written."""
    units: defaultdict[tuple[str, str], float] = defaultdict(float)
    for each in seen.exchanges:
        if each.operation.service == "dynamodb":
            for name, amount in quantities(each, seen.items).items():
                units[_kind(each), name] += amount
    return dict(units)


def _kind(exchange: Exchange) -> str:
    text = exchange.request.decode()
    return next((kind for part, kind in KINDS.items() if part in text), "job")


def _items_read(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return answer.get("Items") or ([answer["Item"]] if "Item" in answer else [])


@dataclass(frozen=True)
class Line:
    """`per_job + per_chunk * chunks` goes through both measurements."""

    per_job: float
    per_chunk: float

    @classmethod
    def through(cls, few: tuple[int, float], many: tuple[int, float]) -> "Line":
        per_chunk = (many[1] - few[1]) / (many[0] - few[0])
        return cls(few[1] - per_chunk * few[0], per_chunk)


def lines(
    few: tuple[int, Mapping[Name, float]], many: tuple[int, Mapping[Name, float]]
) -> dict[Name, Line]:
    return {
        name: Line.through((few[0], few[1].get(name, 0)), (many[0], many[1].get(name, 0)))
        for name in sorted({*few[1], *many[1]}, key=str)
    }


def dollars(amounts: Quantities, prices: Mapping[str, float]) -> dict[str, float]:
    """For amounts a chunk and prices a million: for a million chunks."""
    return {name: amount * prices[name] for name, amount in amounts.items()}


def operation_counts(exchanges: Iterable[Exchange]) -> Counter[tuple[str, Operation]]:
    return Counter((each.caller, each.operation) for each in exchanges)
