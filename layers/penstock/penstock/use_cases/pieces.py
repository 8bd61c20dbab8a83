"""Where assembled lines wait in the work bucket until the job ends.

Each segment leaves a piece. In a job of more than 256 segments, every 256 of them are merged into
one as soon as they are there, so that the end of the job has few and large ones to put together,
which S3 copies by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from penstock.domain.fan_in import FAN_OUT
from penstock.domain.segment_result import SegmentResult
from penstock.ports import JobTable, ObjectRef
from penstock.use_cases.compose_object import ComposeObject, Piece, Target

Kind = Literal["out", "errors"]


def piece_key(job_id: str, segment: int, kind: Kind) -> str:
    """A segment's own piece."""
    return f"pieces/{job_id}/{segment:05d}.{kind}"


def merged_key(job_id: str, node: int, kind: Kind) -> str:
    """The piece of segments 256 * node to 256 * node + 255."""
    return f"pieces/{job_id}/merged-{node:05d}.{kind}"


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of one job, in order."""

    bucket: str
    job_id: str

    def of_segments(self, results: Sequence[SegmentResult], kind: Kind) -> list[Piece]:
        return [
            self._piece(piece_key(self.job_id, each.segment, kind), _size(each, kind))
            for each in results
        ]

    def of_job(self, results: Sequence[SegmentResult], kind: Kind) -> list[Piece]:
        """`results` of all segments; merged pieces where there are too many."""
        if len(results) <= FAN_OUT:
            return self.of_segments(results, kind)
        nodes = groupby(results, key=lambda each: each.segment // FAN_OUT)
        return [
            self._piece(
                merged_key(self.job_id, node, kind), sum(_size(each, kind) for each in group)
            )
            for node, group in nodes
        ]

    def _piece(self, key: str, size: int) -> Piece:
        return Piece(ObjectRef(self.bucket, key), size)


def _size(result: SegmentResult, kind: Kind) -> int:
    return result.output_bytes if kind == "out" else result.error_bytes


@dataclass(frozen=True, slots=True)
class MergePieces:
    """Merges the pieces of 256 segments. Doing it again writes the same objects again."""

    table: JobTable
    compose: ComposeObject
    work_bucket: str

    def __call__(self, job_id: str, node: int) -> None:
        results = self.table.get_segment_results_of(job_id, node)
        pieces = Pieces(self.work_bucket, job_id)
        kinds: tuple[Kind, ...] = ("out", "errors")
        for kind in kinds:
            parts = pieces.of_segments(results, kind)
            if any(piece.size for piece in parts):
                key = merged_key(job_id, node, kind)
                self.compose(parts, Target(self.work_bucket, key, "application/octet-stream"))
