"""A job that cannot go on, or shall not."""

from penstock.domain.errors import PermanentError
from penstock.domain.job import Failure, JobStatus, Stop
from penstock.ports import JobTable, Journal, Queues
from penstock.use_cases import messages

TERMINAL = frozenset(status for status in JobStatus if status.terminal)


def fail_job(table: JobTable, queues: Queues, job_id: str, error: PermanentError) -> None:
    """Notes the reason, and has the job finished by the function that may write outputs."""
    table.update_job(job_id, TERMINAL, failure=Failure(error.code, error.message))
    ask_to_finish(queues, job_id)


def ask_to_finish(queues: Queues, job_id: str) -> None:
    """Asking again changes nothing."""
    queues.assemble(job_id, [messages.finish(job_id)])


def stop_job(table: JobTable, journal: Journal, job_id: str, stop: Stop) -> None:
    """No chunk is sent any more. The sweep, which is due at once, has the others settled."""
    if table.stop_job(job_id, stop):
        journal("JobStopped", job_id=job_id, code=stop.code, reason=stop.message)
