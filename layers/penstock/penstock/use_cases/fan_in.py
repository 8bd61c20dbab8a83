"""Telling who is last."""

from collections.abc import Callable

from penstock.domain.fan_in import Step, steps_to_root
from penstock.ports import JobTable


def report_done(
    table: JobTable,
    job_id: str,
    kind: str,
    place: tuple[int, int],
    node_done: Callable[[Step], None] = lambda _: None,
) -> bool:
    """Marks leaf number `place[0]` of `place[1]` as done; true when now all are.

    `node_done` is told of each node that is complete, before its parent hears of it.

    Also true for every repetition after that: the message that follows the last leaf may have been
    lost with the function that was to send it, so it is sent again.
    """
    for step in steps_to_root(*place):
        if table.mark_done(job_id, kind, step) < step.expected:
            return False
        node_done(step)
    return True
