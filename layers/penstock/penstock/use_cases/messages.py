"""What stands in the messages of SplitQueue, TransformQueue and AssembleQueue."""

from typing import Any

from penstock.domain.envelopes import bad_message, field
from penstock.domain.splitting import ResolvedRegion

Message = dict[str, Any]


def scan(job_id: str, region: int) -> Message:
    """Have a region scanned."""
    return {"kind": "scan", "job_id": job_id, "region": region}


def emit(job_id: str, region: ResolvedRegion) -> Message:
    """Have the chunks of a region sent."""
    return {"kind": "emit", "job_id": job_id, "region": region.to_json()}


def assemble(job_id: str, segment: int, chunks: int) -> Message:
    """Have a segment of so many chunks assembled."""
    return {"kind": "segment", "job_id": job_id, "segment": segment, "chunks": chunks}


def finish(job_id: str) -> Message:
    """Have the job ended."""
    return {"kind": "finish", "job_id": job_id}


def gather(job_id: str, group: int, *, seen: int | None = None, pauses: int = 0) -> Message:
    """Have the chunks of a group that are ready transformed.

    Args:
        seen: how many were ready at the last look.
        pauses: how often SageMaker had no room for the transform job.
    """
    message: Message = {"kind": "gather", "job_id": job_id, "group": group}
    told = {"seen": seen, "pauses": pauses or None}
    return message | {name: value for name, value in told.items() if value is not None}


_FIELDS: dict[str, dict[str, type]] = {
    "scan": {"job_id": str, "region": int},
    "emit": {"job_id": str, "region": dict},
    "segment": {"job_id": str, "segment": int, "chunks": int},
    "finish": {"job_id": str},
    "gather": {"job_id": str, "group": int},
}


def checked(message: Message, *kinds: str) -> Message:
    """The message, if it is of one of the kinds and has its fields.

    Raises:
        PermanentError: `BadMessage`.
    """
    kind = field(message, "kind", str)
    if kind not in kinds:
        raise bad_message(f"`kind` is {kind!r:.80}, not {' or '.join(kinds)}")
    for name, of in _FIELDS[kind].items():
        field(message, name, of)
    return message


def region_of(message: Message, regions: int) -> ResolvedRegion | int:
    """Of a message `emit` all about the region, of one `scan` its number.

    Raises:
        PermanentError: `BadMessage`, it is none of the job's `regions`.
    """
    region = message["region"]
    try:
        found = region if message["kind"] == "scan" else ResolvedRegion.from_json(region)
        number = found.index if isinstance(found, ResolvedRegion) else int(found)
    except (LookupError, TypeError, ValueError) as error:
        raise bad_message(f"`region` is no region: {error!r:.80}") from error
    if not 0 <= number < regions:
        raise bad_message(f"`region` is {number}, and the job has {regions}")
    return found
