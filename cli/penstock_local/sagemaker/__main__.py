import asyncio
import logging
import sys

from penstock_local.sagemaker.application import serve
from penstock_local.sagemaker.settings import parse_arguments


def main() -> int:
    settings = parse_arguments()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        asyncio.run(serve(settings))
    except BlockingIOError:
        logging.getLogger(__name__).error(  # noqa: TRY400 - the message says it all
            "another local SageMaker uses %s", settings.state_folder
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
