"""SplitQueue -> InvokeQueue."""

from penstock import bootstrap
from penstock.handler import queue_handler

lambda_handler = queue_handler(lambda run: bootstrap.split_input(run.settings, run.journal))
