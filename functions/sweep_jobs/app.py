"""Every minute: what was lost is found, what is past its deadline ends."""

from penstock import bootstrap
from penstock.handler import scheduled_handler

lambda_handler = scheduled_handler(lambda run: bootstrap.sweep_jobs(run.settings, run.journal))
