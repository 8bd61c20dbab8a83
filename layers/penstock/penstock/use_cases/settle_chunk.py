"""Writing a chunk's outcome, once."""

from dataclasses import dataclass

from penstock.domain.chunk import ChunkState, Outcome, halves
from penstock.domain.fan_in import Step
from penstock.domain.identity import ChunkPath
from penstock.ports import JobTable, Journal, Queues
from penstock.use_cases import messages
from penstock.use_cases.fan_in import report_done

_EVENTS = {
    "predictions": "ChunkPredicted",
    "errors": "ChunkFailed",
    "bisected": "ChunkBisected",
}


def chunks_kind(segment: int) -> str:
    """The done-set of a segment's chunks."""
    return f"chunks.{segment:05d}"


def halves_kind(path: ChunkPath) -> str:
    """The done-set of a bisected chunk's halves."""
    return f"halves.{path}"


@dataclass(frozen=True, slots=True)
class SettleChunk:
    """Settles a chunk; the segment's last one has the segment assembled."""

    table: JobTable
    queues: Queues
    journal: Journal

    def __call__(self, job_id: str, path: ChunkPath, chunks: int, outcome: Outcome) -> bool:
        """Whether this outcome counts: the first one does."""
        first = self.table.settle(job_id, path, outcome)
        self.journal(
            _EVENTS[outcome.kind] if first else "OutcomeRepeated",
            job_id=job_id,
            path=str(path),
            attempts=outcome.attempts,
            code=outcome.code,
        )
        # When another outcome was first, ours is dropped, but the function that wrote the other may
        # have died right after: what follows is done in either case.
        if first and outcome.kind != "bisected":
            self._report(job_id, path, chunks)
        else:
            state = self.table.get_chunk(job_id, path)
            self.follow(job_id, state or ChunkState(path, outcome=outcome), chunks)
        return first

    def follow(self, job_id: str, state: ChunkState, chunks: int) -> None:
        """What follows an outcome; doing it again changes nothing."""
        if state.outcome and state.message and state.bisected:
            self.queues.invoke(job_id, halves(state.message, state.outcome))
        else:
            self._report(job_id, state.path, chunks)

    def _report(self, job_id: str, path: ChunkPath, chunks: int) -> None:
        while path.bits:
            step = Step(level=0, node=0, child=int(path.bits[-1]), expected=2)
            path = path.parent
            if self.table.mark_done(job_id, halves_kind(path), step) < step.expected:
                return
        if report_done(self.table, job_id, chunks_kind(path.segment), (path.chunk, chunks)):
            message = messages.assemble(job_id, path.segment, chunks)
            self.queues.assemble(job_id, [message])
