"""AWS requests, units, Lambda time and dollars per chunk, counted on the local stack.

    python -m benchmarks.requests [--chunks 256 768]

Two jobs differ in nothing but their number of chunks: their difference is what a chunk takes, the
rest is what a job takes. A segment has 256 chunks, so multiples of 256 share it out exactly. The
requests of the functions are counted on the wire, by a proxy between them and the stack.
"""

import argparse
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.aws import Speeds, template_functions
from benchmarks.billing import ItemSizes, Line, Seen, billed, dollars, lines, operation_counts
from benchmarks.functions import functions_used, processor_seconds
from benchmarks.lambda_time import estimated_gb_seconds
from benchmarks.local_job import (
    ECHO_IMAGE,
    Drop,
    Local,
    configure,
    local_stack,
    run_job,
    say,
    serve_endpoint,
)
from benchmarks.recording import Door, Recorder, recording
from benchmarks.wire import item_bytes, key_of
from examples.local_endpoint import client
from penstock.domain.pricing import DOLLARS_PER_MILLION, LAMBDA_DOLLARS_PER_GB_SECOND
from penstock_local import inspection

RECORDS_PER_CHUNK = 1000
RECORD_BYTES = 32
PIPELINE = f"""
invoke: {{endpoint: demo}}
input: {{format: text}}
chunk: {{max_records: {RECORDS_PER_CHUNK}}}
"""
# One region, as the default has it for files up to 32 MiB.
SETTLING_SECONDS = 3.0
WRITE_UNITS_WANTED = 4.0
DOLLARS_WANTED = 12.0
LAMBDA_TIME = "GB-s of Lambda"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs=2, default=[256, 768])
    few, many = parser.parse_args().chunks
    with local_stack() as local:
        serve_endpoint(local, ECHO_IMAGE, {})
        configure(local, "bench", PIPELINE)
        measure(local, 64)  # cold starts
        timed = measure(local, many)
        with counted(local) as recorder:
            measure(local, 64, recorder)
            first, second = (measure(local, chunks, recorder) for chunks in (few, many))
    print_requests(first, second)
    print_functions(second, timed)
    print_costs(first, second, timed)


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
    ours = {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": sagemaker_url,
    }
    environment = {"Variables": variables["Variables"] | ours}
    lambdas.update_function_configuration(FunctionName=function, Environment=environment)


def measure(local: Local, chunks: int, recorder: Recorder | None = None) -> Seen:
    """Runs one job; what came before it isn't in the result."""
    time.sleep(SETTLING_SECONDS)
    if recorder:
        recorder.take()
    since, inferences, processor = int(time.time() * 1000), _inferences(local), processor_seconds()
    began = time.monotonic()
    manifest = run_job(local, Drop(f"bench/{chunks}-{since}.txt", _records(chunks)))
    say(f"{chunks} chunks: {manifest['status']}, {time.monotonic() - began:.1f} s")
    time.sleep(SETTLING_SECONDS)
    if manifest["chunks"] != chunks or manifest["retries"]:
        raise RuntimeError(f"not the job that was to be measured: {manifest}")
    after = _inferences(local)
    return Seen(
        chunks=chunks,
        exchanges=recorder.take() if recorder else [],
        items=item_sizes(local),
        functions=functions_used(local, since, processor),
        inferences={name: after[name] - inferences[name] for name in after},
    )


def _records(chunks: int) -> bytes:
    """Text lines, each of RECORD_BYTES with its line end."""
    count = chunks * RECORDS_PER_CHUNK
    return b"".join(b"%0*d\n" % (RECORD_BYTES - 1, number) for number in range(count))


def _inferences(local: Local) -> dict[str, int]:
    url = f"{local['sagemaker_endpoint_url']}/_local/stats"
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  our own server
        found = json.load(reply)["endpoints"][local["endpoint_name"]]
    return {name: found[name] for name in ("accepted", "completed", "notifications_sent")}


def item_sizes(local: Local) -> ItemSizes:
    pages = client(local, "dynamodb").get_paginator("scan").paginate(TableName=local["table"])
    return {key_of(item): item_bytes(item) for page in pages for item in page["Items"]}


def print_requests(few: Seen, many: Seen) -> None:
    print(f"\nRequests of the functions, from jobs of {few.chunks} and {many.chunks} chunks\n")
    print("| function | request | a chunk | a job |\n| --- | --- | ---: | ---: |")
    counts = operation_counts(few.exchanges), operation_counts(many.exchanges)
    for caller, operation in sorted({*counts[0], *counts[1]}):
        of_each = [
            (seen.chunks, float(count[caller, operation]))
            for seen, count in zip((few, many), counts, strict=True)
        ]
        line = Line.through(*of_each)
        print(
            f"| {caller.removesuffix('Function')} | {operation.service} {operation.name} "
            f"| {line.per_chunk:.3f} | {line.per_job:.1f} |"
        )
    chunk_items = [size for (pk, _), size in many.items.items() if "#SEGMENT#" in pk]
    marks = [size for (pk, _), size in many.items.items() if "#DONE#" in pk]
    print(f"\nLargest items: chunk {max(chunk_items)} bytes, done-set {max(marks)} bytes")
    print(f"Not 2xx: {sum(each.status >= 300 for each in many.exchanges)}")  # noqa: PLR2004


def print_functions(counted: Seen, seen: Seen) -> None:
    estimated = estimated_gb_seconds(counted, seen, template_functions(), Speeds())
    print(f"\nLambda, job of {seen.chunks} chunks, without the proxy\n")
    print(
        "| function | GB | invocations | billed ms each | processor ms a chunk | GB-s a chunk "
        "| on AWS, estimated | log bytes a chunk |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, use in seen.functions.items():
        print(
            f"| {name.removesuffix('Function')} | {use.gigabytes:.2f} | {use.invocations} "
            f"| {use.billed_ms / max(1, use.invocations):.0f} "
            f"| {use.processor_seconds / seen.chunks * 1000:.1f} "
            f"| {use.gb_seconds / seen.chunks:.4f} | {estimated[name]:.4f} "
            f"| {use.log_bytes / seen.chunks:.0f} |"
        )


def print_costs(few: Seen, many: Seen, timed: Seen) -> None:
    found = lines((few.chunks, billed(few)), (many.chunks, billed(many)))
    estimated = sum(estimated_gb_seconds(many, timed, template_functions(), Speeds()).values())
    upper = sum(use.gb_seconds for use in timed.functions.values()) / timed.chunks
    found[LAMBDA_TIME] = Line(0, estimated)
    prices = DOLLARS_PER_MILLION | {LAMBDA_TIME: LAMBDA_DOLLARS_PER_GB_SECOND * 1e6}
    costs = dollars({name: line.per_chunk for name, line in found.items()}, prices)
    print("\n| | a chunk | a job | $ a million chunks |\n| --- | ---: | ---: | ---: |")
    for name, cost in sorted(costs.items(), key=lambda each: -each[1]):
        print(f"| {name} | {found[name].per_chunk:.4f} | {found[name].per_job:.1f} | {cost:.2f} |")
    total = sum(costs.values())
    print(f"| total | | | {total:.2f} |\n")
    dearer = total + (upper - estimated) * prices[LAMBDA_TIME]
    print(
        _verdict("write units a chunk", found["dynamodb_write_unit"].per_chunk, WRITE_UNITS_WANTED)
    )
    print(_verdict("dollars a million chunks", total, DOLLARS_WANTED))
    print(_verdict("the same with Lambda's time as billed here", dearer, DOLLARS_WANTED))


def _verdict(what: str, found: float, wanted: float) -> str:
    return f"{what}: {found:.2f}, {'within' if found <= wanted else 'MISSES'} {wanted:.2f}"


if __name__ == "__main__":
    main()
