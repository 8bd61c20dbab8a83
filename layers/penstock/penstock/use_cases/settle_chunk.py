"""Writing a chunk's outcome, once."""

from dataclasses import dataclass

from penstock.domain.chunk import Outcome
from penstock.domain.identity import ChunkPath
from penstock.ports import JobTable, Journal, Queues
from penstock.use_cases import messages
from penstock.use_cases.fan_in import report_done


def chunks_kind(segment: int) -> str:
    """The done-set of a segment's chunks."""
    return f"chunks.{segment:05d}"


@dataclass(frozen=True, slots=True)
class SettleChunk:
    """Settles a chunk; the segment's last one has the segment assembled."""

    table: JobTable
    queues: Queues
    journal: Journal

    def __call__(self, job_id: str, path: ChunkPath, chunks: int, outcome: Outcome) -> None:
        # When another outcome was first, ours is dropped, but the function that wrote the other may
        # have died right after: what follows is done in either case.
        first = self.table.settle(job_id, path, outcome)
        event = "ChunkPredicted" if outcome.kind == "predictions" else "ChunkFailed"
        self.journal(
            event if first else "OutcomeRepeated",
            job_id=job_id,
            path=str(path),
            attempts=outcome.attempts,
            code=outcome.code,
        )
        self.report(job_id, path, chunks)

    def report(self, job_id: str, path: ChunkPath, chunks: int) -> None:
        """What follows an outcome; doing it again changes nothing."""
        if report_done(self.table, job_id, chunks_kind(path.segment), (path.chunk, chunks)):
            message = messages.assemble(job_id, path.segment, chunks)
            self.queues.assemble(job_id, [message])
