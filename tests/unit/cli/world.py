"""A stack for the command line to work on: moto behind the clients, time that is told to pass."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
from click.testing import CliRunner, Result

from penstock.adapters import items
from penstock.domain.identity import job_id_of
from penstock.domain.invoke import Invoke
from penstock.domain.job import Failure, Job, JobStatus, Source, Tally, Totals
from penstock.domain.manifest import Effort, Ending, StoredObject, build_manifest
from penstock.domain.object_keys import output_keys
from penstock.domain.pipeline import Pipeline
from penstock_cli.aws import Connection
from penstock_cli.main import main
from penstock_cli.options import Surroundings
from penstock_cli.stack import Stack
from penstock_cli.target import Target

START = 1_795_000_000.0
OUTPUTS = {
    "WorkBucketName": "work",
    "SweepJobsFunctionName": "sweep",
    "HandleDeadLetterFunctionName": "letters",
}
STACK = Stack("demo", "inputs", "outputs", "jobs", OUTPUTS)


@dataclass
class FakeTime:
    """What is planned happens while somebody sleeps."""

    seconds: float = START
    plan: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        while self.plan and self.plan[0][0] <= self.seconds - START:
            self.plan.pop(0)[1]()


@dataclass
class FakeLambda:
    """Notes which functions were started; `refusal` is raised instead."""

    started: list[str] = field(default_factory=list)
    refusal: Exception | None = None

    def invoke(self, FunctionName: str, InvocationType: str) -> None:  # noqa: N803  AWS's names
        assert InvocationType == "Event"
        if self.refusal:
            raise self.refusal
        self.started.append(FunctionName)


class World:
    """A deployed stack whose functions do only what a test says."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.interactive = False
        self.s3 = client("s3")
        self.dynamodb = client("dynamodb")
        self.functions = FakeLambda()
        self.clients: dict[str, Any] = {"lambda": self.functions}
        self.connection = Connection(STACK, self.s3, self.dynamodb, self._client)
        self.targets: list[Target] = []
        create_buckets(self.s3)
        create_table(self.dynamodb)

    def _client(self, service: str) -> Any:
        return self.clients.get(service) or client(service)

    def put(self, job: Job) -> Job:
        item = items.job_item(job) | items.job_fields(
            totals=job.totals,
            split_at=job.split_at,
            finished_at=job.finished_at,
            summary=job.summary,
            stop=job.stop,
        )
        if job.status.terminal:
            del item[items.SWEEP]
        self.dynamodb.put_item(TableName=STACK.table, Item=item)
        return job

    def mark(self, job_id: str, kind: str, *children: int, node: int = 0) -> None:
        self.dynamodb.update_item(
            TableName=STACK.table,
            Key=items.done_key(job_id, kind, 0, node),
            UpdateExpression="ADD done :done",
            ExpressionAttributeValues={":done": {"NS": [str(child) for child in children]}},
        )

    def deliver(self, job: Job, **bodies: bytes) -> dict[str, StoredObject]:
        """Writes the outputs and the manifest of a finished job."""
        keys = output_keys(job.source.key)
        stored = {name: self._store(getattr(keys, name), body) for name, body in bodies.items()}
        assert job.finished_at is not None
        tally = Tally(job.totals.records if job.totals else 0, 0)
        ending = Ending(job.status, job.failure, tally, Effort(), job.finished_at, stored)
        self._store(keys.manifest, json.dumps(build_manifest(job, ending)).encode())
        return stored

    def _store(self, key: str, body: bytes) -> StoredObject:
        answer = self.s3.put_object(Bucket=STACK.output_bucket, Key=key, Body=body)
        return StoredObject(STACK.output_bucket, key, len(body), answer["ETag"].strip('"'))

    def _connect(self, target: Target) -> Connection:
        self.targets.append(target)
        return self.connection

    def penstock(
        self, *arguments: str | Path, stack: str | None = "demo", typed: str | None = None
    ) -> Result:
        """Runs the command; `typed` answers what it asks."""
        around = Surroundings(
            connect=self._connect,
            directory=lambda: Path("/nowhere"),
            now=self.time.now,
            sleep=self.time.sleep,
            interactive=lambda: self.interactive,
        )
        environment = {"PENSTOCK_STACK": stack, "COLUMNS": None, "TZ": "UTC"}
        words = [str(argument) for argument in arguments]
        return CliRunner(env=environment).invoke(main, words, obj=around, input=typed)


@functools.cache
def client(service: str) -> Any:
    """Made once: it takes longer than most tests. Moto answers it while it is active."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    return session.client(service)  # type: ignore[call-overload]  # the name is not a literal


def create_buckets(s3: Any) -> None:
    for bucket in (STACK.input_bucket, STACK.output_bucket, OUTPUTS["WorkBucketName"]):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(
        Bucket=STACK.input_bucket, VersioningConfiguration={"Status": "Enabled"}
    )


def create_table(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName=STACK.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema("pk", "sk"),
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("pk", "sk", "listing", "listed_at")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": items.LISTING,
                "KeySchema": _schema("listing", "listed_at"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


def job_of(key: str = "digits/digits.csv", version: str = "1", **changes: Any) -> Job:
    """A job that has just been accepted."""
    source = Source(STACK.input_bucket, key, 1_234_567, "etag", version)
    job = Job(
        job_id=job_id_of(source.bucket, key, version),
        source=source,
        pipeline=Pipeline(Invoke("digits-endpoint"), source="digits/_pipeline.yaml"),
        region_bytes=32 * 1024**2,
        created_at=START,
        status=JobStatus.SPLITTING,
    )
    return replace(job, **changes)


def running(job: Job, records: int, chunks: int, segments: int = 1) -> Job:
    totals = Totals(records, chunks, segments)
    return replace(job, status=JobStatus.RUNNING, totals=totals, split_at=job.created_at + 1.5)


def finished(
    job: Job, failed: int = 0, status: JobStatus | None = None, failure: Failure | None = None
) -> Job:
    """A job that took a minute; `totals` say how many records it had."""
    records = job.totals.records if job.totals else 0
    status = status or (JobStatus.PARTIAL if failed else JobStatus.SUCCEEDED)
    keys = output_keys(job.source.key)
    outputs = {"predictions": f"s3://{STACK.output_bucket}/{keys.predictions}"} if records else {}
    summary = {
        "records": {"total": records, "succeeded": records - failed, "failed": failed},
        "outputs": outputs,
        "manifest": f"s3://{STACK.output_bucket}/{keys.manifest}",
    }
    return replace(
        job, status=status, failure=failure, finished_at=job.created_at + 60, summary=summary
    )
