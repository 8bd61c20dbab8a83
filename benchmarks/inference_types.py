"""The inference types side by side: time, Lambda invocations, AWS requests and dollars.

    python -m benchmarks.inference_types [--records 100000] [--types asynchronous realtime ...]
                                         [--chunks 64 192] [--window 2]

Each type of `examples.inference_types` gets the same records in the same chunks, in one run on one
local stack, and its output is checked. Two jobs are timed, of one chunk and of all records; then
the requests of two jobs are counted on the wire, as `benchmarks.requests` does it, which differ in
their number of chunks.
"""

import argparse
import time
from collections.abc import Mapping

import yaml

from benchmarks.aws import template_functions
from benchmarks.billing import Seen
from benchmarks.comparing import Measured, report
from benchmarks.local_job import Drop, Local, configure, local_stack, read_output, say
from benchmarks.recording import Recorder
from benchmarks.watching import counted, watched
from examples.inference_types import EXAMPLES
from examples.inference_types.example import Example

RECORDS_PER_CHUNK = 1000
WARM_UP = 20
"""Chunks of a job before the measured ones: functions start, and the endpoint's limit is found."""

Examples = Mapping[str, Example]


def main() -> None:
    options = _options()
    chosen = {name: EXAMPLES[name] for name in options.types}
    with local_stack(EndpointNamePattern="*", TransformWindowSeconds=options.window) as local:
        for example in chosen.values():
            example.create(local)
        timed = _measure(local, chosen, (RECORDS_PER_CHUNK, options.records))
        few, many = (chunks * RECORDS_PER_CHUNK for chunks in options.chunks)
        with counted(local) as recorder:
            requests = _measure(local, chosen, (few, many), recorder)
    functions = template_functions()
    found = {name: Measured(*timed[name], *requests[name], functions) for name in chosen}
    print("\n".join(report(found)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--types", nargs="+", default=list(EXAMPLES), choices=EXAMPLES)
    parser.add_argument("--chunks", type=int, nargs=2, default=[64, 192])
    parser.add_argument("--window", default="2", help="TransformWindowSeconds; on AWS 60")
    return parser.parse_args()


def _measure(
    local: Local, chosen: Examples, sizes: tuple[int, int], recorder: Recorder | None = None
) -> dict[str, tuple[Seen, Seen]]:
    """Jobs of so many records, for each type."""
    return {name: _two(local, example, sizes, recorder) for name, example in chosen.items()}


def _two(
    local: Local, example: Example, sizes: tuple[int, int], recorder: Recorder | None
) -> tuple[Seen, Seen]:
    _run(local, example, WARM_UP * RECORDS_PER_CHUNK, recorder)
    one, other = (_run(local, example, records, recorder) for records in sizes)
    seconds = ", ".join(f"{seen.chunks} in {seen.seconds:.1f} s" for seen in (one, other))
    say(f"{example.name}{', counted' if recorder else ''}: chunks {seconds}")
    return one, other


def _run(local: Local, example: Example, records: int, recorder: Recorder | None) -> Seen:
    """A job whose output is what the model says."""
    pipeline = yaml.safe_load(example.pipeline)
    pipeline["chunk"] = {"max_records": RECORDS_PER_CHUNK}
    configure(local, example.name, yaml.safe_dump(pipeline))
    file = example.file(records)
    key = f"{example.name}/{records}-{time.monotonic_ns()}.{example.key.rpartition('.')[-1]}"
    seen, manifest = watched(local, Drop(key, file.body), recorder)
    if manifest["retries"] or manifest["records"]["failed"]:
        raise RuntimeError(f"{example.name}: not the job that was to be measured: {manifest}")
    if read_output(local, f"{key}.out").decode().splitlines() != file.expected:
        raise RuntimeError(f"{example.name}: the output is not what the model says: {manifest}")
    return seen


if __name__ == "__main__":
    main()
