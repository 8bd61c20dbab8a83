"""What came of one segment."""

from dataclasses import dataclass

from penstock.domain.serving import Served


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """One segment as it was assembled: how its records ended and where its pieces lie.

    `unfinished` of the `failed` records failed since the job ended before their turn. `served`
    are runs of chunks by the production variant that has answered, where that is known.
    """

    segment: int
    succeeded: int
    failed: int
    unfinished: int
    attempts: int
    retries: int
    staged: int
    output_bytes: int
    error_bytes: int
    output_lines: int = 0
    served: tuple[Served, ...] = ()
