"""What is on record of a chunk that the model has, or is about to get."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkState
from penstock.ports import AsyncTicket, JobTable, Journal
from penstock.use_cases.prepare_chunk import Prepared

INVOKED = "ChunkInvoked"
STAGED = "ChunkStaged"


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """Notes the attempt in the chunk's item, and in the journal as what it is."""

    table: JobTable
    journal: Journal
    now: Callable[[], float]

    def __call__(
        self, prepared: Prepared, event: str, ticket: AsyncTicket | None = None
    ) -> ChunkState:
        chunk = prepared.chunk
        state = ChunkState(
            path=chunk.path,
            message=chunk,
            rejected=prepared.rejected,
            inference_id=str(prepared.inference_id),
            output_location=ticket.output_location if ticket else None,
            failure_location=ticket.failure_location if ticket else None,
            invoked_at=self.now(),
        )
        self.table.record_attempt(chunk.job_id, state)
        self.journal(event, job_id=chunk.job_id, path=str(chunk.path), attempt=chunk.attempt)
        return state
