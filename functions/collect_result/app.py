"""ResultQueue, SageMaker's notifications -> outcomes."""

from penstock import bootstrap
from penstock.domain.envelopes import unwrapped
from penstock.handler import queue_handler

lambda_handler = queue_handler(
    lambda run: bootstrap.collect_result(run.settings, run.journal), parse=unwrapped
)
