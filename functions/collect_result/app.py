"""ResultQueue, SageMaker's notifications -> outcomes."""

from penstock import bootstrap
from penstock.batches import Stage
from penstock.domain.envelopes import unwrapped
from penstock.handler import Runtime, queue_handler


def _build(run: Runtime) -> Stage:
    collect_result = bootstrap.collect_result(run.settings, run.journal)
    return Stage(collect_result, around=collect_result.exit.batch)


lambda_handler = queue_handler(_build, parse=unwrapped)
