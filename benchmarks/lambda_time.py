"""What AWS would bill of a function's time, from what was counted here. Pure.

Processor time is measured and counted in full, one message after the other; waiting is the number
of calls times an assumed latency, side by side as far as the code has them so.
"""

from collections import Counter
from collections.abc import Mapping

from benchmarks.aws import Function, Speeds
from benchmarks.billing import LambdaUse, Seen
from penstock.adapters import sqs
from penstock.use_cases.settled_records import READ_AHEAD


def estimated_gb_seconds(
    counted: Seen, timed: Seen, functions: Mapping[str, Function], speeds: Speeds
) -> dict[str, float]:
    """A chunk, by function. `counted` knows the calls, `timed` the processor time."""
    waits = _waits(counted, speeds)
    return {
        name: _gb_seconds(use, waits[name] * timed.chunks, functions[name.removesuffix("Function")])
        / timed.chunks
        for name, use in timed.functions.items()
    }


def _waits(seen: Seen, speeds: Speeds) -> dict[str, float]:
    """Seconds a chunk, by function."""
    latencies = {
        "dynamodb": speeds.dynamodb,
        "s3": speeds.s3,
        "sqs": speeds.sqs,
        "sagemaker": speeds.sagemaker,
        "sns": speeds.announce,
        "events": speeds.announce,
    }
    calls = Counter((each.caller, each.operation.service) for each in seen.exchanges)
    totals = dict.fromkeys(seen.functions, 0.0)
    for (caller, service), count in calls.items():
        totals[caller] += count * latencies[service]
    return {
        name: total / seen.chunks / side_by_side(name, seen.functions[name], seen.chunks)
        for name, total in totals.items()
    }


def side_by_side(name: str, use: LambdaUse, chunks: int) -> float:
    """How many calls of an invocation wait at the same time."""
    match name:
        case "InvokeModelFunction" | "CollectResultFunction":
            return max(1.0, chunks / max(1, use.invocations))
        case "AssembleOutputFunction":
            return READ_AHEAD
        case "SplitInputFunction":
            return sqs._SENDERS  # noqa: SLF001  the code's own constant
    return 1.0


def _gb_seconds(use: LambdaUse, waiting: float, function: Function) -> float:
    return function.gigabytes * (use.processor_seconds / function.processors + waiting)
