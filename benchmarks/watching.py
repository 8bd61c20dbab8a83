"""A job, seen from outside: its requests on the wire, its functions' use, SageMaker's own work."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from benchmarks.aws import template_functions
from benchmarks.billing import ItemSizes, Seen
from benchmarks.functions import functions_used, processor_seconds
from benchmarks.local_job import Drop, Local, run_job
from benchmarks.recording import Door, Exchange, Recorder, recording
from benchmarks.wire import item_bytes, key_of
from examples.local_endpoint import client
from penstock_local import inspection

SETTLING_SECONDS = 3.0
"""What came before a job, and what comes after its end, isn't counted among what it takes."""

_AWS, *_SAGEMAKER = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SAGEMAKER",
    "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
)


def watched(
    local: Local, drop: Drop, recorder: Recorder | None = None
) -> tuple[Seen, dict[str, Any]]:
    """Runs one job. What was seen of it, and its manifest."""
    time.sleep(SETTLING_SECONDS)
    if recorder:
        recorder.take()
    since, before, processor = time.time(), own_work(local), processor_seconds()
    manifest = run_job(local, drop)
    time.sleep(SETTLING_SECONDS)
    seen = Seen(
        chunks=manifest["chunks"],
        exchanges=_of_the_stream(recorder.take()) if recorder else [],
        items=item_sizes(local) if recorder else {},
        functions=_only_stream(functions_used(local, int(since * 1000), processor)),
        inferences=own_work(local) - before,
        seconds=_finished_at(manifest) - since,
    )
    return seen, manifest


def _finished_at(manifest: dict[str, Any]) -> float:
    return datetime.fromisoformat(manifest["timings"]["finished_at"]).timestamp()


def _stream() -> set[str]:
    """What the sweep does meanwhile is no job's."""
    return {f"{name}Function" for name in template_functions()}


def _of_the_stream(exchanges: list[Exchange]) -> list[Exchange]:
    names = _stream()
    return [each for each in exchanges if each.caller in names]


def _only_stream(functions: dict[str, Any]) -> dict[str, Any]:
    names = _stream()
    return {name: use for name, use in functions.items() if name in names}


@contextmanager
def counted(local: Local) -> Iterator[Recorder]:
    """While it lasts, the functions' requests pass through a proxy."""
    functions = inspection.functions(local)
    doors = {each: Door(each.name, local["aws_endpoint_url"]) for each in functions}
    models = {each: Door(each.name, local["sagemaker_endpoint_url"]) for each in functions}
    with recording([*doors.values(), *models.values()]) as (recorder, urls):
        for each in functions:
            _redirect(local, each.physical_name, urls[doors[each]], urls[models[each]])
        yield recorder


def _redirect(local: Local, function: str, aws_url: str, sagemaker_url: str) -> None:
    lambdas = client(local, "lambda")
    variables = lambdas.get_function_configuration(FunctionName=function)["Environment"]
    ours = {_AWS: aws_url, **dict.fromkeys(_SAGEMAKER, sagemaker_url)}
    environment = {"Variables": variables["Variables"] | ours}
    lambdas.update_function_configuration(FunctionName=function, Environment=environment)


def own_work(local: Local) -> Counter[str]:
    """What SageMaker itself reads, writes and publishes: nothing where it answers in the call."""
    url = f"{local['sagemaker_endpoint_url']}/_local/stats"
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  our own server
        return own_counts(json.load(reply))


def own_counts(stats: dict[str, Any]) -> Counter[str]:
    notified = sum(each["notifications_sent"] for each in stats["endpoints"].values())
    transformed = sum(each["model_invocations"] for each in stats["transform_jobs"].values())
    return Counter(
        notifications_sent=notified,
        answers_written=notified + transformed,
        inputs_read=transformed,
    )


def item_sizes(local: Local) -> ItemSizes:
    pages = client(local, "dynamodb").get_paginator("scan").paginate(TableName=local["table"])
    return {key_of(item): item_bytes(item) for page in pages for item in page["Items"]}
