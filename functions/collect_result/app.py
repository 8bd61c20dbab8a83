"""ResultQueue, SageMaker's notifications and events -> outcomes."""

from typing import Any

from penstock import bootstrap
from penstock.batches import Stage
from penstock.bootstrap_transform import collect_transform
from penstock.domain.envelopes import unwrapped
from penstock.domain.transform_event import DETAIL_TYPE
from penstock.handler import Runtime, queue_handler


def _build(run: Runtime) -> Stage:
    collect_result = bootstrap.collect_result(run.settings, run.journal)
    collect_events = collect_transform(run.settings, run.journal, collect_result)

    def collect(document: dict[str, Any]) -> None:
        if document.get("detail-type") == DETAIL_TYPE:
            collect_events(document)
        else:
            collect_result(document)

    return Stage(collect, around=collect_result.exit.batch)


lambda_handler = queue_handler(_build, parse=unwrapped)
