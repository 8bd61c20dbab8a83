"""From a chunk that failed by its own fault to the record that is to blame."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage, Outcome
from penstock.domain.job import Job
from penstock.domain.probation import LONGEST_HOLD, on_probation, second_half_waits
from penstock.domain.retry import RetryPolicy, backoff
from penstock.domain.trouble import Isolate
from penstock.ports import JobTable, Journal, ObjectStore, Queues
from penstock.use_cases.probation import Probation
from penstock.use_cases.read_records import find_middle
from penstock.use_cases.settle_chunk import SettleChunk

_HOLD = RetryPolicy(initial_interval=2.0, maximum_interval=LONGEST_HOLD)


@dataclass(frozen=True, slots=True)
class IsolateFault:
    """Halves the chunk; or holds it, while it is not its turn."""

    objects: ObjectStore
    table: JobTable
    queues: Queues
    settle: SettleChunk
    probation: Probation
    journal: Journal
    now: Callable[[], float]
    uniform: Callable[[float, float], float]

    def __call__(self, job: Job, chunk: ChunkMessage, fault: Isolate, since: float) -> None:
        """Raises PermanentError if the chunk's records cannot be read (any more).

        Args:
            since: when a prediction would show that the model is well, in epoch seconds.
        """
        fresh = self.table.get_job(job.job_id) or job
        if self.probation.admits(fresh, chunk, since):
            self._bisect(fresh, chunk, fault, since)
        else:
            self.hold(chunk.held_since(since))

    def hold(self, chunk: ChunkMessage) -> None:
        """Sends the message once more, to ask again."""
        delay = round(backoff(_HOLD, chunk.pauses, self.uniform))
        self.journal("ChunkHeld", job_id=chunk.job_id, path=str(chunk.path), delay=delay)
        self.queues.invoke(chunk.job_id, [chunk], delay)
        # Noted after it was sent: who dies in between sends a copy, but loses nothing.
        self.table.note_hold(chunk.job_id, chunk.path, chunk.pauses)

    def _bisect(self, job: Job, chunk: ChunkMessage, fault: Isolate, since: float) -> None:
        waits = on_probation(job, since) and second_half_waits(chunk)
        outcome = Outcome(
            "bisected",
            attempts=chunk.attempt,
            settled_at=self.now(),
            code=fault.code,
            middle=find_middle(self.objects, job, chunk),
            suspect=fault.repeated,
            held=since if waits else None,
        )
        self.settle(job.job_id, chunk.path, chunk.chunks, outcome)
