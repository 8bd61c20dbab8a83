"""Dead-letter queues -> outcomes."""

from penstock import bootstrap
from penstock.domain.dead_letters import DeadLetter
from penstock.handler import queue_handler

lambda_handler = queue_handler(
    lambda run: bootstrap.handle_dead_letter(run.settings, run.journal), parse=DeadLetter.parse
)
