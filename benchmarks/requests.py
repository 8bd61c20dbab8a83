"""AWS requests, units, Lambda time and dollars per chunk, counted on the local stack.

    python -m benchmarks.requests [--chunks 256 768]

Two jobs differ in nothing but their number of chunks: their difference is what a chunk takes, the
rest is what a job takes. A segment has 256 chunks, so multiples of 256 share it out exactly. The
requests of the functions are counted on the wire, by a proxy between them and the stack.
"""

import argparse
import time

from benchmarks.aws import Speeds, template_functions
from benchmarks.billing import Line, Seen, billed, dollars, lines, operation_counts
from benchmarks.lambda_time import estimated_gb_seconds
from benchmarks.local_job import (
    ECHO_IMAGE,
    Drop,
    Local,
    configure,
    local_stack,
    say,
    serve_endpoint,
)
from benchmarks.recording import Recorder
from benchmarks.watching import counted, watched
from penstock.domain.pricing import DOLLARS_PER_MILLION, LAMBDA_DOLLARS_PER_GB_SECOND

RECORDS_PER_CHUNK = 1000
RECORD_BYTES = 32
PIPELINE = f"""
invoke: {{endpoint: demo}}
input: {{format: text}}
chunk: {{max_records: {RECORDS_PER_CHUNK}}}
"""
# One region, as the default has it for files up to 32 MiB.
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


def measure(local: Local, chunks: int, recorder: Recorder | None = None) -> Seen:
    """Runs one job; what came before it isn't in the result."""
    key = f"bench/{chunks}-{time.monotonic_ns()}.txt"
    seen, manifest = watched(local, Drop(key, _records(chunks)), recorder)
    say(f"{chunks} chunks: {manifest['status']}, {seen.seconds:.1f} s")
    if seen.chunks != chunks or manifest["retries"]:
        raise RuntimeError(f"not the job that was to be measured: {manifest}")
    return seen


def _records(chunks: int) -> bytes:
    """Text lines, each of RECORD_BYTES with its line end."""
    count = chunks * RECORDS_PER_CHUNK
    return b"".join(b"%0*d\n" % (RECORD_BYTES - 1, number) for number in range(count))


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
