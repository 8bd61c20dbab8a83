"""Telling who is last."""

from penstock.domain.fan_in import steps_to_root
from penstock.ports import JobTable


def report_done(table: JobTable, job_id: str, kind: str, leaf: int, leaves: int) -> bool:
    """Marks the leaf as done; true when now all are.

    Also true for every repetition after that: the message that follows the last leaf may have been
    lost with the function that was to send it, so it is sent again.
    """
    return all(
        table.mark_done(job_id, kind, step) >= step.expected for step in steps_to_root(leaf, leaves)
    )
