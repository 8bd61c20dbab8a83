"""The job table in DynamoDB."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from penstock.adapters import items
from penstock.adapters.aws import translated
from penstock.adapters.items import Item
from penstock.domain.chunk import ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.fan_in import FAN_OUT, Step
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Job, JobStatus, Stop
from penstock.domain.segment_result import SegmentResult
from penstock.domain.splitting import RegionSummary
from penstock.domain.transform_job import TransformJob


@dataclass(frozen=True, slots=True)
class DynamoDbTable:
    """JobTable over a DynamoDB client. Items expire `retention` seconds after they are written."""

    dynamodb: Any
    name: str
    now: Callable[[], float]
    retention: int

    def claim(self, name: str, job_id: str, replacing: str | None) -> str:
        claimed = self._unless_refused(
            self.dynamodb.put_item,
            Item=items.claim_key(name) | {"job_id": {"S": job_id}} | self._expiry(),
            ConditionExpression="attribute_not_exists(pk) OR job_id IN (:job_id, :replacing)",
            ExpressionAttributeValues={
                ":job_id": {"S": job_id},
                ":replacing": {"S": replacing or job_id},
            },
        )
        if claimed:
            return job_id
        item = self._get(items.claim_key(name))
        return str(item["job_id"]["S"]) if item else self.claim(name, job_id, replacing)

    def create_job(self, job: Job) -> bool:
        return self._unless_refused(
            self.dynamodb.put_item,
            Item=items.job_item(job) | self._expiry(),
            ConditionExpression="attribute_not_exists(pk)",
        )

    def get_job(self, job_id: str) -> Job | None:
        item = self._get(items.job_key(job_id))
        return items.job_of(item) if item else None

    def update_job(self, job_id: str, unless: frozenset[JobStatus], **fields: Any) -> bool:
        values = items.job_fields(**fields)
        refused = {f":unless{i}": {"S": str(status)} for i, status in enumerate(sorted(unless))}
        return self._unless_refused(
            self.dynamodb.update_item,
            Key=items.job_key(job_id),
            UpdateExpression="SET "
            + ", ".join(f"#{name} = :{name}" for name in values)
            + (f" REMOVE {items.SWEEP}, sweep_at" if _ends(fields.get("status")) else ""),
            ConditionExpression=_job_condition(refused),
            # `status` is one of DynamoDB's reserved words, thus a placeholder for every name.
            ExpressionAttributeNames={
                f"#{name}": name for name in (*values, *(["status"] if refused else []))
            },
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()}
            | refused,
        )

    def stop_job(self, job_id: str, stop: Stop) -> bool:
        return self._unless_refused(
            self.dynamodb.update_item,
            Key=items.job_key(job_id),
            # Before all others, and not at `stop.at`: that is by the clock of whoever stops it.
            UpdateExpression="SET #stop = :stop, sweep_at = :first",
            ConditionExpression=f"attribute_exists({items.SWEEP}) AND attribute_not_exists(#stop)",
            ExpressionAttributeNames={"#stop": "stop"},
            ExpressionAttributeValues=items.job_fields(**{":stop": stop, ":first": 0}),
        )

    def claim_probe(self, job_id: str, path: ChunkPath, replacing: str | None) -> bool:
        return self._unless_refused(
            self.dynamodb.update_item,
            Key=items.job_key(job_id),
            UpdateExpression="SET probe = :path",
            ConditionExpression="attribute_exists(pk) AND "
            "(attribute_not_exists(probe) OR probe IN (:path, :replacing))",
            ExpressionAttributeValues={
                ":path": {"S": str(path)},
                ":replacing": {"S": replacing or str(path)},
            },
        )

    def count(self, job_id: str, name: str, number: int) -> int:
        with translated(self.name):
            answer = self.dynamodb.update_item(
                TableName=self.name,
                Key=items.counter_key(job_id, name),
                UpdateExpression="ADD #total :number SET expires_at = :expiry",
                ExpressionAttributeNames={"#total": "total"},
                ExpressionAttributeValues={
                    ":number": {"N": str(number)},
                    ":expiry": self._expiry()["expires_at"],
                },
                ReturnValues="ALL_NEW",
            )
        return int(answer["Attributes"]["total"]["N"])

    def jobs_to_sweep(self, now: float, limit: int) -> list[str]:
        with translated(self.name):
            answer = self.dynamodb.query(
                TableName=self.name,
                IndexName=items.SWEEP,
                KeyConditionExpression="sweep = :jobs AND sweep_at <= :now",
                ExpressionAttributeValues={":jobs": {"S": "JOBS"}, ":now": {"N": repr(now)}},
                Limit=limit,
            )
        return [item["pk"]["S"].removeprefix("JOB#") for item in answer["Items"]]

    def put_off_sweep(self, job_id: str, sweep_at: float, sweep_from: int) -> None:
        self._unless_refused(
            self.dynamodb.update_item,
            Key=items.job_key(job_id),
            UpdateExpression="SET sweep_at = :at, sweep_from = :segment",
            ConditionExpression=f"attribute_exists({items.SWEEP})",
            ExpressionAttributeValues={
                ":at": {"N": repr(sweep_at)},
                ":segment": {"N": str(sweep_from)},
            },
        )

    def put_region(self, job_id: str, region: int, summary: RegionSummary) -> None:
        document = items.dumps(summary.to_json())
        self._put(items.region_key(job_id, region) | {"summary": {"S": document}})

    def get_regions(self, job_id: str, regions: int) -> list[RegionSummary]:
        found = self._numbered(job_id, "REGIONS", regions)
        return [RegionSummary.from_json(json.loads(item["summary"]["S"])) for item in found]

    def mark_done(self, job_id: str, kind: str, step: Step) -> int:
        with translated(self.name):
            answer = self.dynamodb.update_item(
                TableName=self.name,
                Key=items.done_key(job_id, kind, step.level, step.node),
                UpdateExpression="ADD done :child SET expires_at = :expiry",
                ExpressionAttributeValues={
                    ":child": {"NS": [str(step.child)]},
                    ":expiry": self._expiry()["expires_at"],
                },
                ReturnValues="ALL_NEW",
            )
        return len(answer["Attributes"]["done"]["NS"])

    def children_done(self, job_id: str, kind: str) -> frozenset[int]:
        item = self._get(items.done_key(job_id, kind, 0, 0))
        return frozenset(int(child) for child in item["done"]["NS"]) if item else frozenset()

    def get_chunk(self, job_id: str, path: ChunkPath) -> ChunkState | None:
        item = self._get(items.chunk_key(job_id, path))
        return items.chunk_of(item) if item else None

    def record_attempt(self, job_id: str, state: ChunkState) -> None:
        values = items.chunk_fields(state) | self._expiry()
        absent = [name for name in items.CHUNK_FIELDS if name not in values]
        self._unless_refused(
            self.dynamodb.update_item,
            Key=items.chunk_key(job_id, state.path),
            UpdateExpression="SET "
            + ", ".join(f"{name} = :{name}" for name in values)
            + (f" REMOVE {', '.join(absent)}" if absent else ""),
            ConditionExpression="attribute_not_exists(attempt) OR attempt <= :attempt",
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        )

    def note_hold(self, job_id: str, path: ChunkPath, pauses: int) -> None:
        self._unless_refused(
            self.dynamodb.update_item,
            Key=items.chunk_key(job_id, path),
            UpdateExpression="SET holds = :pauses, expires_at = :expiry",
            ConditionExpression="attribute_not_exists(holds) OR holds < :pauses",
            ExpressionAttributeValues={
                ":pauses": {"N": str(pauses)},
                ":expiry": self._expiry()["expires_at"],
            },
        )

    def settle(self, job_id: str, path: ChunkPath, outcome: Outcome) -> bool:
        return self._unless_refused(
            self.dynamodb.update_item,
            Key=items.chunk_key(job_id, path),
            UpdateExpression="SET outcome = :outcome, expires_at = :expiry",
            ConditionExpression="attribute_not_exists(outcome)",
            ExpressionAttributeValues={
                ":outcome": items.outcome_attribute(outcome),
                ":expiry": self._expiry()["expires_at"],
            },
        )

    def get_segment(self, job_id: str, segment: int) -> list[ChunkState]:
        found = self._query(items.segment_partition(job_id, segment))
        return [items.chunk_of(item) for item in found]

    def put_segment_result(self, job_id: str, result: SegmentResult) -> None:
        document = items.dumps(asdict(result))
        self._put(items.result_key(job_id, result.segment) | {"result": {"S": document}})

    def get_segment_result(self, job_id: str, segment: int) -> SegmentResult | None:
        item = self._get(items.result_key(job_id, segment))
        return items.result_of(item) if item else None

    def get_segment_results_of(self, job_id: str, node: int) -> list[SegmentResult]:
        found = self._query(items.bucket_of(job_id, "RESULTS", node * FAN_OUT))
        return [items.result_of(item) for item in found]

    def get_segment_results(self, job_id: str, segments: int) -> list[SegmentResult]:
        found = self._numbered(job_id, "RESULTS", segments)
        return [items.result_of(item) for item in found]

    def put_transform(self, transform: TransformJob) -> bool:
        item = items.transform_item(transform)
        further = "stage < :stage OR (stage = :stage AND refusals < :refusals)"
        return self._unless_refused(
            self.dynamodb.put_item,
            Item=item | self._expiry(),
            ConditionExpression=f"attribute_not_exists(pk) OR {further}",
            ExpressionAttributeValues={f":{name}": item[name] for name in ("stage", "refusals")},
        )

    def get_transforms(self, job_id: str) -> list[TransformJob]:
        return [items.transform_of(item) for item in self._query(items.transforms_of(job_id))]

    def _numbered(self, job_id: str, kind: str, count: int) -> list[Item]:
        starts = range(0, count, FAN_OUT)
        return [
            item for start in starts for item in self._query(items.bucket_of(job_id, kind, start))
        ]

    def _query(self, partition: str) -> Iterator[Item]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        with translated(self.name):
            for page in pages:
                yield from page["Items"]

    def _get(self, key: Item) -> Item | None:
        with translated(self.name):
            answer = self.dynamodb.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _put(self, item: Item) -> None:
        with translated(self.name):
            self.dynamodb.put_item(TableName=self.name, Item=item | self._expiry())

    def _expiry(self) -> Item:
        return {"expires_at": {"N": str(int(self.now()) + self.retention)}}

    def _unless_refused(self, write: Callable[..., Any], **request: Any) -> bool:
        """False where the condition of the write doesn't hold."""
        try:
            with translated(self.name):
                write(TableName=self.name, **request)
        except PermanentError as error:
            if error.code == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _ends(status: str | None) -> bool:
    return status is not None and JobStatus(status).terminal


def _job_condition(refused: dict[str, Any]) -> str:
    exists = "attribute_exists(pk)"
    return f"{exists} AND NOT #status IN ({', '.join(refused)})" if refused else exists
