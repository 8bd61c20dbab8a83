"""The inference types side by side: time, Lambda invocations, AWS requests and dollars.

    python -m benchmarks.inference_types [--records 100000] [--types asynchronous realtime ...]

Each type of `examples.inference_types` gets the same records in the same chunks, in one run on one
local stack, and its output is checked. Requests are counted on the wire, as `benchmarks.requests`
does it, from two jobs that differ in their number of chunks.
"""

import argparse
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from json import load
from typing import Any

import yaml

from benchmarks.aws import Speeds, template_functions
from benchmarks.billing import Seen, billed, dollars, lines
from benchmarks.functions import functions_used, processor_seconds
from benchmarks.lambda_time import estimated_gb_seconds
from benchmarks.local_job import Drop, Local, configure, local_stack, read_output, run_job, say
from benchmarks.recording import Recorder
from benchmarks.requests import counted, item_sizes
from examples.inference_types import EXAMPLES
from examples.inference_types.example import Example
from penstock.domain.pricing import DOLLARS_PER_MILLION, LAMBDA_DOLLARS_PER_GB_SECOND

RECORDS_PER_CHUNK = 1000
COUNTED = (20, 60)
"""Chunks of the two jobs whose requests are counted."""
COUNTED_RECORDS = 100
"""Records in a chunk of theirs."""
SETTLING_SECONDS = 3.0
FEW = 100
"""Records of a file of one chunk."""


@dataclass(frozen=True)
class Timed:
    """One job: seconds from the drop to the manifest, and Lambda invocations by function."""

    seconds: float
    invocations: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.invocations.values())


@dataclass(frozen=True)
class Measured:
    small: Timed
    large: Timed
    requests: Mapping[str, float]
    gb_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--types", nargs="+", default=list(EXAMPLES), choices=EXAMPLES)
    options = parser.parse_args()
    chosen = {name: EXAMPLES[name] for name in options.types}
    with local_stack(EndpointNamePattern="*") as local:
        for example in chosen.values():
            example.create(local)
            _run(local, example, 5 * RECORDS_PER_CHUNK, RECORDS_PER_CHUNK)  # cold starts
        timed = {name: _timed(local, each, options.records) for name, each in chosen.items()}
        with counted(local) as recorder:
            for each in chosen.values():
                _run(local, each, FEW, FEW)  # the functions start anew
            seen = {name: _counted(local, recorder, each) for name, each in chosen.items()}
    found = {
        name: Measured(*timed[name], _per_chunk(*seen[name]), _gb_seconds(seen[name][1]))
        for name in chosen
    }
    print_times(found, options.records)
    print_costs(found)


def _run(local: Local, example: Example, records: int, in_chunk: int) -> dict[str, Any]:
    """The manifest of a job whose output is what the model says."""
    pipeline = yaml.safe_load(example.pipeline)
    pipeline["chunk"] = {"max_records": in_chunk}
    configure(local, "bench", yaml.safe_dump(pipeline))
    file = example.file(records)
    suffix = example.key.rpartition(".")[-1]
    key = f"bench/{example.name}-{records}-{time.monotonic_ns()}.{suffix}"
    manifest = run_job(local, Drop(key, file.body))
    if read_output(local, f"{key}.out").decode().splitlines() != file.expected:
        raise RuntimeError(f"{example.name}: the output is not what the model says: {manifest}")
    return manifest


def _timed(local: Local, example: Example, records: int) -> tuple[Timed, Timed]:
    small = _time(local, example, FEW)
    large = _time(local, example, records)
    say(f"{example.name}: {small.seconds:.1f} s, {large.seconds:.1f} s for {records} records")
    return small, large


def _time(local: Local, example: Example, records: int) -> Timed:
    time.sleep(SETTLING_SECONDS)
    since, processor = int(time.time() * 1000), processor_seconds()
    manifest = _run(local, example, records, RECORDS_PER_CHUNK)
    time.sleep(SETTLING_SECONDS)
    used = functions_used(local, since, processor)
    invocations = {name: use.invocations for name, use in used.items() if use.invocations}
    return Timed(manifest["timings"]["seconds"], _without_sweeps(invocations))


def _without_sweeps(invocations: Mapping[str, int]) -> dict[str, int]:
    """A run of the sweep in the meantime is nobody's."""
    return {name: count for name, count in invocations.items() if name != "SweepJobsFunction"}


def _counted(local: Local, recorder: Recorder, example: Example) -> tuple[Seen, Seen]:
    few, many = (_seen(local, recorder, example, chunks) for chunks in COUNTED)
    say(f"{example.name}: counted")
    return few, many


def _seen(local: Local, recorder: Recorder, example: Example, chunks: int) -> Seen:
    time.sleep(SETTLING_SECONDS)
    recorder.take()
    since, processor, before = int(time.time() * 1000), processor_seconds(), _answers(local)
    _run(local, example, chunks * COUNTED_RECORDS, COUNTED_RECORDS)
    time.sleep(SETTLING_SECONDS)
    after = _answers(local)
    return Seen(
        chunks=chunks,
        exchanges=[each for each in recorder.take() if each.caller != "SweepJobsFunction"],
        items=item_sizes(local),
        functions=_swept(functions_used(local, since, processor)),
        inferences={name: after[name] - before[name] for name in after},
    )


def _swept(functions: Mapping[str, Any]) -> dict[str, Any]:
    return {name: use for name, use in functions.items() if name != "SweepJobsFunction"}


def _answers(local: Local) -> dict[str, int]:
    """What SageMaker itself has written and published: only where it does not answer at once."""
    url = f"{local['sagemaker_endpoint_url']}/_local/stats"
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  our own server
        stats = load(reply)
    notified = sum(each["notifications_sent"] for each in stats["endpoints"].values())
    transformed = sum(each["model_invocations"] for each in stats["transform_jobs"].values())
    return {"completed": notified + transformed, "notifications_sent": notified}


def _per_chunk(few: Seen, many: Seen) -> dict[str, float]:
    found = lines((few.chunks, billed(few)), (many.chunks, billed(many)))
    return {name: max(0.0, line.per_chunk) for name, line in found.items()}


def _gb_seconds(seen: Seen) -> float:
    """Lambda's time for a chunk on AWS, without the time that a function waits for the model."""
    return sum(estimated_gb_seconds(seen, seen, template_functions(), Speeds()).values())


def print_times(found: Mapping[str, Measured], records: int) -> None:
    base = next(iter(found.values())).large.seconds
    print(f"\n| type | one chunk, s | Lambda invocations | {records:,} records, s | to the first |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, each in found.items():
        print(
            f"| {name} | {each.small.seconds:.2f} | {each.small.total} "
            f"| {each.large.seconds:.1f} | {each.large.seconds / base:.2f} |"
        )


def print_costs(found: Mapping[str, Measured]) -> None:
    names = [name for name in DOLLARS_PER_MILLION if name != "event"]
    print(f"\nA chunk\n\n| type | {' | '.join(names)} | GB-s | $ a million |")
    print(f"| --- |{' ---: |' * (len(names) + 2)}")
    for name, each in found.items():
        amounts = [each.requests.get(quantity, 0.0) for quantity in names]
        cost = sum(dollars(each.requests, DOLLARS_PER_MILLION).values())
        cost += each.gb_seconds * LAMBDA_DOLLARS_PER_GB_SECOND * 1e6
        figures = " | ".join(f"{amount:.3g}" for amount in amounts)
        print(f"| {name} | {figures} | {each.gb_seconds:.3f} | {cost:.2f} |")


if __name__ == "__main__":
    main()
