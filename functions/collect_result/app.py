"""ResultQueue, SageMaker's notifications -> outcomes."""

from penstock import bootstrap
from penstock.handler import queue_handler
from penstock.use_cases.collect_result import unwrapped

lambda_handler = queue_handler(
    lambda run: bootstrap.collect_result(run.settings, run.journal), parse=unwrapped
)
