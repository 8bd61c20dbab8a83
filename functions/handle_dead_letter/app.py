"""Dead-letter queues -> outcomes."""

from penstock import bootstrap
from penstock.batches import Stage
from penstock.domain.dead_letters import DeadLetter
from penstock.handler import Runtime, queue_handler


def _build(run: Runtime) -> Stage:
    handle_dead_letter = bootstrap.handle_dead_letter(run.settings, run.journal)
    return Stage(handle_dead_letter, around=handle_dead_letter.exit.batch)


lambda_handler = queue_handler(_build, parse=DeadLetter.parse)
