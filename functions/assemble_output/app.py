"""AssembleQueue -> output bucket, topics."""

from penstock import bootstrap
from penstock.batches import Handler
from penstock.handler import Runtime, queue_handler
from penstock.use_cases import messages


def _build(run: Runtime) -> Handler:
    finish_job = bootstrap.finish_job(run.settings, run.journal)
    assemble_segment = bootstrap.assemble_segment(run.settings, run.journal, finish_job)

    def assemble_output(message: messages.Message) -> None:
        messages.checked(message, "segment", "finish")
        if message["kind"] == "finish":
            finish_job.without_pieces(message["job_id"])
        else:
            assemble_segment(message)

    return assemble_output


lambda_handler = queue_handler(_build)
