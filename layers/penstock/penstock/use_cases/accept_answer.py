"""From a model's answer to a chunk's outcome."""

from collections.abc import Callable
from dataclasses import dataclass

from penstock.domain.chunk import Outcome
from penstock.domain.identity import InferenceId
from penstock.domain.job import Job
from penstock.domain.results import Select, check_count, split_results

LARGEST_RESPONSE = 64 * 1024**2
"""Bytes of one response; it is held in memory, parsed."""


@dataclass(frozen=True, slots=True)
class AcceptAnswer:
    """Only answers with one result per record become outcomes."""

    select: Callable[[str], Select]
    now: Callable[[], float]

    def results(self, job: Job, body: bytes, content_type: str, owed: int) -> list[bytes]:
        """One for each of the `owed` records.

        Raises:
            PermanentError: `WrongResultCount`, `UnreadableResponse`, `BadSelection` or
                `ObjectTooLarge`.
        """
        select = job.pipeline.output.select
        results = split_results(body, content_type, self.select(select) if select else None)
        check_count(results, owed)
        return results

    def outcome(
        self,
        inference: InferenceId,
        location: str,
        content_type: str,
        variant: str | None = None,
    ) -> Outcome:
        """Of an answer that was found to be good and lies at `location`."""
        return Outcome(
            "predictions",
            attempts=inference.attempt,
            settled_at=self.now(),
            location=location,
            content_type=content_type,
            variant=variant,
        )
