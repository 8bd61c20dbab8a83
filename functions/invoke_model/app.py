"""InvokeQueue -> SageMaker."""

from penstock import bootstrap
from penstock.batches import Stage
from penstock.domain.chunk import ChunkMessage
from penstock.handler import Runtime, queue_handler


def _build(run: Runtime) -> Stage:
    invoke_model = bootstrap.invoke_model(run.settings, run.journal)
    return Stage(
        lambda message: invoke_model(ChunkMessage.from_json(message)),
        around=invoke_model.attempt.batch,
    )


lambda_handler = queue_handler(_build)
