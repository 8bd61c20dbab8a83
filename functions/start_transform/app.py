"""TransformQueue -> Batch Transform."""

from penstock import bootstrap
from penstock.handler import queue_handler

lambda_handler = queue_handler(lambda run: bootstrap.start_transform(run.settings, run.journal))
