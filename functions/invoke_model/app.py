"""InvokeQueue -> SageMaker."""

from penstock import bootstrap
from penstock.batches import Handler
from penstock.domain.chunk import ChunkMessage
from penstock.handler import Runtime, queue_handler


def _build(run: Runtime) -> Handler:
    invoke_model = bootstrap.invoke_model(run.settings, run.journal)
    return lambda message: invoke_model(ChunkMessage.from_json(message))


lambda_handler = queue_handler(_build)
