"""UploadQueue -> jobs, SplitQueue."""

from penstock import bootstrap
from penstock.handler import queue_handler

lambda_handler = queue_handler(lambda run: bootstrap.accept_upload(run.settings, run.journal))
