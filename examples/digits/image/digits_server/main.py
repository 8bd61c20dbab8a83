"""Load the model, then listen: a server that answers at all is a server that can predict."""

import logging
import os
import signal
import sys
from types import FrameType

import waitress

from .app import Application
from .model import ModelUnusableError, load
from .settings import Settings, from_environment


def main() -> None:
    try:
        settings = from_environment(os.environ)
        model = load(settings.model_dir)
    except (ModelUnusableError, ValueError) as error:
        raise SystemExit(f"serve: {error}") from error
    signal.signal(signal.SIGTERM, _stop)  # SageMaker sends it 30 s before it kills
    # A full queue is ordinary here: SageMaker sends as many requests as the endpoint allows.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    _listen(Application(model, settings, sys.stderr), settings)


def _listen(application: Application, settings: Settings) -> None:
    server = waitress.create_server(
        application, host=settings.host, port=settings.port, threads=settings.threads
    )
    sys.stderr.write(f'{{"listening": "{settings.host}:{settings.port}"}}\n')
    sys.stderr.flush()
    server.run()


def _stop(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)  # waitress lets the requests that run come to their end
