"""Items of the job table, and the objects that they hold.

One table, partition key `pk`, sort key `sk`:

    job       JOB#<job>                         JOB
    claim     CLAIM#<name>                      JOB
    region    JOB#<job>#REGIONS#<number // 256> <number>
    done-set  JOB#<job>#DONE#<kind>#<level>#<node>   NODE
    counter   JOB#<job>#COUNT#<name>            NODE
    chunk     JOB#<job>#SEGMENT#<segment>       <path>
    result    JOB#<job>#RESULTS#<number // 256> <number>
    transform JOB#<job>#TRANSFORMS              <group>.<number>

Nested values are JSON strings: smaller than DynamoDB's maps, and floats survive.
"""

import json
from dataclasses import asdict, fields
from typing import Any

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.identity import ChunkPath
from penstock.domain.job import Failure, Job, JobStatus, Redrive, Source, Stop, Totals
from penstock.domain.manifest import iso
from penstock.domain.pipeline import Pipeline
from penstock.domain.segment_result import SegmentResult
from penstock.domain.serving import Served
from penstock.domain.transform_job import Report, Stage, Status, TransformJob

Item = dict[str, dict[str, Any]]

SWEEP = "sweep"
"""The sparse index that only jobs which have not ended are in, by the time of their next sweep."""

LISTING = "listing"
"""The sparse index that only job items are in."""


def job_key(job_id: str) -> Item:
    return _key(f"JOB#{job_id}", "JOB")


def claim_key(name: str) -> Item:
    return _key(f"CLAIM#{name}", "JOB")


def region_key(job_id: str, region: int) -> Item:
    return _key(bucket_of(job_id, "REGIONS", region), f"{region:05d}")


def result_key(job_id: str, segment: int) -> Item:
    return _key(bucket_of(job_id, "RESULTS", segment), f"{segment:05d}")


def bucket_of(job_id: str, kind: str, number: int) -> str:
    """The partition that holds a run of at most 256 numbered items."""
    return f"JOB#{job_id}#{kind}#{number // FAN_OUT}"


def done_key(job_id: str, kind: str, level: int, node: int) -> Item:
    return _key(f"JOB#{job_id}#DONE#{kind}#{level}#{node}", "NODE")


def counter_key(job_id: str, name: str) -> Item:
    return _key(f"JOB#{job_id}#COUNT#{name}", "NODE")


def segment_partition(job_id: str, segment: int) -> str:
    return f"JOB#{job_id}#SEGMENT#{segment:05d}"


def chunk_key(job_id: str, path: ChunkPath) -> Item:
    return _key(segment_partition(job_id, path.segment), str(path))


def transforms_of(job_id: str) -> str:
    """The partition of a job's transform jobs."""
    return f"JOB#{job_id}#TRANSFORMS"


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def job_item(job: Job) -> Item:
    """A new job. It is listed under its month, newest last."""
    created = iso(job.created_at)
    return {
        **job_key(job.job_id),
        "job_id": {"S": job.job_id},
        "snapshot": {"S": dumps(job.snapshot())},
        "created_at": {"N": repr(job.created_at)},
        LISTING: {"S": "JOBS"},
        "listed_at": {"S": f"{created}#{job.job_id}"},
        SWEEP: {"S": "JOBS"},
        "sweep_at": {"N": repr(job.created_at)},
        **job_fields(status=job.status, failure=job.failure),
    }


def job_fields(**values: Any) -> Item:
    """Fields of Job that change, as attributes; None is left out."""
    return {name: _attribute(value) for name, value in values.items() if value is not None}


def _attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    return {"S": dumps(value if isinstance(value, dict) else asdict(value))}


def job_of(item: Item) -> Job:
    snapshot = json.loads(item["snapshot"]["S"])
    totals = _json(item, "totals")
    failure, stop = _json(item, "failure"), _json(item, "stop")
    return Job(
        job_id=item["job_id"]["S"],
        source=Source(**snapshot["source"]),
        pipeline=Pipeline.from_json(snapshot["pipeline"]),
        region_bytes=snapshot["region_bytes"],
        created_at=float(item["created_at"]["N"]),
        status=JobStatus(item["status"]["S"]),
        totals=_totals(totals) if totals else None,
        failure=Failure(**failure) if failure else None,
        split_at=_number(item, "split_at"),
        finished_at=_number(item, "finished_at"),
        summary=_json(item, "summary"),
        emitted=item.get("emitted", {}).get("BOOL", False),
        notified=item.get("notified", {}).get("BOOL", False),
        sweep_from=int(item.get("sweep_from", {}).get("N", "0")),
        stop=Stop(**stop | {"status": JobStatus(stop["status"])}) if stop else None,
        redrive=_redrive(snapshot.get("redrive")),
        predicted_at=_number(item, "predicted_at"),
        probe=item.get("probe", {}).get("S"),
    )


def _totals(document: dict[str, Any]) -> Totals:
    return Totals(**document | {"header": _range(document["header"])})


def _redrive(document: dict[str, Any] | None) -> Redrive | None:
    if document is None:
        return None
    objects = ("source", "manifest", "predictions", "errors")
    sources = {name: Source(**document[name]) for name in objects}
    return Redrive(**document | sources | {"header": _range(document["header"])})


def _range(extent: list[int] | None) -> tuple[int, ...] | None:
    return tuple(extent) if extent else None


def _json(item: Item, name: str) -> Any:
    return json.loads(item[name]["S"]) if name in item else None


def _number(item: Item, name: str) -> float | None:
    return float(item[name]["N"]) if name in item else None


CHUNK_FIELDS = (
    "message",
    "inference_id",
    "output_location",
    "failure_location",
    "invoked_at",
    "holds",
)
"""Attributes of a chunk that an attempt may lack; those of an earlier attempt must go then."""


def chunk_fields(state: ChunkState) -> Item:
    """The attempt of a chunk. Input key and the like are the job's: the item stays under 1 KB."""
    attributes: Item = {
        "attempt": {"N": str(state.attempt)},
        "rejected": {"N": str(state.rejected)},
    }
    if state.message:
        attributes["message"] = {"S": dumps(_sparse(state.message))}
    if state.holds:
        attributes["holds"] = {"N": str(state.holds)}
    if state.invoked_at is not None:
        attributes["invoked_at"] = {"N": repr(state.invoked_at)}
    for name in ("inference_id", "output_location", "failure_location"):
        value = getattr(state, name)
        if value is not None:
            attributes[name] = {"S": value}
    return attributes


def _sparse(message: ChunkMessage) -> dict[str, Any]:
    defaults = {each.name: each.default for each in fields(ChunkMessage)}
    return {name: value for name, value in message.to_json().items() if value != defaults[name]}


def outcome_attribute(outcome: Outcome) -> dict[str, str]:
    # By identity: no attempts, 0, are to Python equal to False.
    known = {
        name: value
        for name, value in asdict(outcome).items()
        if value is not None and value is not False
    }
    return {"S": dumps(known)}


def result_of(item: Item) -> SegmentResult:
    document = json.loads(item["result"]["S"])
    served = tuple(Served(**run) for run in document.get("served", ()))
    return SegmentResult(**document | {"served": served})


def chunk_of(item: Item) -> ChunkState:
    message, outcome = _json(item, "message"), _json(item, "outcome")
    return ChunkState(
        path=ChunkPath.parse(item["sk"]["S"]),
        message=ChunkMessage.from_json(message) if message else None,
        rejected=int(item.get("rejected", {}).get("N", "0")),
        inference_id=item.get("inference_id", {}).get("S"),
        output_location=item.get("output_location", {}).get("S"),
        failure_location=item.get("failure_location", {}).get("S"),
        invoked_at=_number(item, "invoked_at"),
        outcome=Outcome(**outcome) if outcome else None,
        holds=int(item.get("holds", {}).get("N", "0")),
    )


def transform_item(transform: TransformJob) -> Item:
    """`stage` and `refusals` are attributes of their own, for conditions."""
    place = f"{transform.group:05d}.{transform.number:06d}"
    return {
        **_key(transforms_of(transform.job_id), place),
        "stage": {"N": str(int(transform.stage))},
        "refusals": {"N": str(transform.refusals)},
        "transform": {"S": dumps(asdict(transform))},
    }


def transform_of(item: Item) -> TransformJob:
    document = _json(item, "transform")
    report = document["report"]
    return TransformJob(
        **document
        | {
            "stage": Stage(document["stage"]),
            "report": Report(**report | {"status": Status(report["status"])}) if report else None,
        }
    )
