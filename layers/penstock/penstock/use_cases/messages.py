"""What stands in the messages of SplitQueue and AssembleQueue."""

from typing import Any

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
