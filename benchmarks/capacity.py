"""What a terabyte meets first: each step's numbers, from the code's own constants.

    python -m benchmarks.capacity

AWS's limits and the assumed speeds stand in `aws`; the processor time of a chunk is measured by
`requests`, that of the last step of splitting here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks import aws
from benchmarks.resolution import largest_region_item, measured_resolution
from benchmarks.workload import Workload
from penstock.adapters import sqs
from penstock.domain.composition import MAXIMUM_PARTS, Part, plan_parts
from penstock.domain.errors import PermanentError
from penstock.domain.fan_in import FAN_OUT
from penstock.domain.pricing import REQUESTS_PER_CHUNK
from penstock.domain.splitting import MAX_SEGMENTS
from penstock.use_cases import compose_object
from penstock.use_cases.settled_records import READ_AHEAD

MB = 1e6
SCAN_SPEED = 200 * MB
"""Bytes of CSV a second on one processor; 276 MB/s were measured here (see `splitting`)."""
PROCESSOR_MS = {"InvokeModel": 8.0, "CollectResult": 7.5, "AssembleOutput": 4.0}
"""Of a chunk of 1000 records, measured by `requests`."""
SPEED = aws.Speeds()
FUNCTIONS = aws.template_functions()
DEADLINE = aws.template_parameter("JobDeadlineSeconds") / 3600
"""Hours."""


WORKLOADS = (
    Workload("rows of 115 B, answers of 20 B", 115, 20),
    Workload("rows of 115 B, answers of 120 B", 115, 120),
    Workload("rows of 4 KB, answers of 20 B", 4000, 20),
)
IN_FLIGHT = 10_000


@dataclass(frozen=True)
class Row:
    """`limit` in the unit of `number`; None where there is none."""

    step: str
    what: str
    number: float
    limit: float | None = None

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"{self.limit:,.0f}"
        share = "" if self.limit is None else f"{self.number / self.limit:.0%}"
        digits = 0 if self.number >= 100 else 2 - (self.number >= 10)  # noqa: PLR2004
        return f"| {self.step} | {self.what} | {self.number:,.{digits}f} | {limit} | {share} |"


def main() -> None:
    for workload in WORKLOADS:
        print(f"\n### 1 TB, {workload.name}\n")
        print("| step | what | number | limit | share |\n| --- | --- | ---: | ---: | ---: |")
        for row in rows(workload):
            print(row)
    print("\n### Chunks a second that each stage takes, chunks of 1000 short records\n")
    print("| stage | chunks/s |\n| --- | ---: |")
    for name, rate in sorted(throughput(WORKLOADS[0]).items(), key=lambda each: each[1]):
        print(f"| {name} | {rate:,.0f} |")
    print("\n### Largest input whose output finish_job puts together in time\n")
    print("| | input | output |\n| --- | ---: | ---: |")
    for workload in WORKLOADS:
        largest = largest_delivered(workload)
        output = largest.piece_bytes * largest.segments
        print(f"| {workload.name} | {largest.input_bytes / 1e9:,.0f} GB | {output / 1e9:,.1f} GB |")


def rows(workload: Workload) -> Iterator[Row]:
    yield from accepting(workload)
    yield from scanning(workload)
    yield from resolving(workload)
    yield from emitting(workload)
    yield from invoking(workload)
    yield from assembling(workload)
    yield from finishing(workload)


def sending(messages: int, processors: float) -> float:
    """Seconds to send so many messages, by as many threads as the adapter has."""
    calls = -(-messages // sqs.BATCH)
    waiting = calls * SPEED.sqs / min(sqs._SENDERS, calls)  # noqa: SLF001  the code's own constant
    return waiting + calls * SPEED.send_processor / processors


def accepting(workload: Workload) -> Iterator[Row]:
    accept = FUNCTIONS["AcceptUpload"]
    seconds = sending(workload.regions, accept.processors)
    yield Row("accept", "regions, a message each", workload.regions)
    yield Row("accept", "MB of input a region", workload.region_bytes / MB)
    yield Row("accept", "seconds to send them", seconds, accept.timeout)


def scan_seconds(workload: Workload) -> float:
    size = workload.region_bytes
    return SPEED.s3 + size / SPEED.s3_stream + size / SCAN_SPEED + 3 * SPEED.dynamodb + SPEED.s3


def scanning(workload: Workload) -> Iterator[Row]:
    split = FUNCTIONS["SplitInput"]
    seconds = scan_seconds(workload)
    rate = split.concurrency / seconds
    yield Row("scan", "seconds a region", seconds, split.timeout)
    yield Row("scan", "minutes for all, at SplitConcurrency", workload.regions / rate / 60)
    yield Row("scan", "GETs a second of the one key", rate, aws.S3_READS_PER_PREFIX)
    yield Row("scan", "bytes of the largest region item", largest_region_item(), 1024)
    yield Row("scan", "writes a second to one done-set", rate, aws.PARTITION_WRITES)


def resolving(workload: Workload) -> Iterator[Row]:
    split = FUNCTIONS["SplitInput"]
    item = largest_region_item()
    pages = -(-workload.regions // FAN_OUT)
    seconds, megabytes = measured_resolution(workload)
    total = pages * SPEED.query_page + seconds + sending(workload.regions, split.processors)
    yield Row("resolve", "read units", -(-item * FAN_OUT // 4096) * pages)
    yield Row("resolve", "MB of memory, measured", megabytes, split.gigabytes * 1000)
    yield Row("resolve", "seconds of computing, measured", seconds)
    yield Row("resolve", "seconds with reading and sending", total, split.timeout)


def emit_seconds(workload: Workload) -> float:
    split = FUNCTIONS["SplitInput"]
    reading = SPEED.dynamodb + SPEED.s3
    return reading + sending(workload.chunks_per_region, split.processors)


def emitting(workload: Workload) -> Iterator[Row]:
    split = FUNCTIONS["SplitInput"]
    seconds = emit_seconds(workload)
    invoke = FUNCTIONS["InvokeModel"]
    yield Row("emit", "chunks", workload.chunks)
    yield Row("emit", "segments", workload.segments, MAX_SEGMENTS)
    yield Row("emit", "seconds a region", seconds, split.timeout)
    yield Row("emit", "minutes for all", workload.regions * seconds / split.concurrency / 60)
    in_flight = invoke.concurrency * invoke.batch
    yield Row("emit", "messages in flight in InvokeQueue", in_flight, aws.SQS_IN_FLIGHT)


def throughput(workload: Workload) -> dict[str, float]:
    """Chunks a second, if the stage were alone."""
    split, assemble = FUNCTIONS["SplitInput"], FUNCTIONS["AssembleOutput"]
    segment = segment_seconds(workload)
    return {
        "scan": split.concurrency / scan_seconds(workload) * workload.chunks_per_region,
        "emit": split.concurrency / emit_seconds(workload) * workload.chunks_per_region,
        "invoke_model": _batch_rate("InvokeModel", invoke_waits()),
        "collect_result": _batch_rate("CollectResult", collect_waits()),
        "assemble_output": assemble.concurrency / segment * workload.chunks_per_segment,
        "DynamoDB, new table": aws.NEW_TABLE_WRITES
        / REQUESTS_PER_CHUNK["async"]["dynamodb_write_unit"],
        "S3, answers under one prefix": aws.S3_WRITES_PER_PREFIX / 1.0,
        "S3, chunks of the one input": float(aws.S3_READS_PER_PREFIX),
        "S3, answers read twice": aws.S3_READS_PER_PREFIX / 2,
    }


def invoke_waits() -> float:
    """Of one chunk: its item, its records, the call, its item again."""
    return 2 * SPEED.dynamodb + SPEED.s3 + SPEED.sagemaker


def collect_waits() -> float:
    """Of one chunk: its answer, its outcome, its mark."""
    return SPEED.s3 + 2 * SPEED.dynamodb


def _batch_rate(name: str, waits: float) -> float:
    """Messages of a batch wait side by side, but compute one after the other."""
    function = FUNCTIONS[name]
    seconds = waits + function.batch * PROCESSOR_MS[name] / 1000 / function.processors
    return function.concurrency * function.batch / seconds


def invoking(workload: Workload) -> Iterator[Row]:
    rates = throughput(workload)
    rate = min(rates["invoke_model"], rates["collect_result"])
    writes = rate * REQUESTS_PER_CHUNK["async"]["dynamodb_write_unit"]
    # Chunks in flight are neighbours: so many segments share their marks.
    segments = max(1.0, IN_FLIGHT / workload.chunks_per_segment)
    yield Row("invoke", "chunks a second", rate)
    yield Row("invoke", "write units a second, new table", writes, aws.NEW_TABLE_WRITES)
    yield Row("invoke", "writes a second to one done-set", rate / segments, aws.PARTITION_WRITES)
    yield Row("invoke", "writes a second to one segment", 2 * rate / segments, aws.PARTITION_WRITES)
    yield Row("invoke", "PUTs a second of answers", rate, aws.S3_WRITES_PER_PREFIX)
    yield Row("invoke", "GETs a second of the one key", rate, aws.S3_READS_PER_PREFIX)
    yield Row("invoke", "hours for all, at that rate", workload.chunks / rate / 3600, DEADLINE)
    yield Row("invoke", "seconds a chunk takes if 10,000 are in flight", IN_FLIGHT / rate)


def segment_seconds(workload: Workload) -> float:
    answer = workload.chunk_bytes // workload.record_bytes * workload.answer_bytes
    waits = workload.chunks_per_segment / READ_AHEAD * SPEED.s3
    processor = workload.chunks_per_segment * PROCESSOR_MS["AssembleOutput"] / 1000
    moving = 2 * workload.chunks_per_segment * answer / SPEED.s3_stream
    return waits + processor + moving + 4 * SPEED.dynamodb + SPEED.query_page


def assembling(workload: Workload) -> Iterator[Row]:
    assemble = FUNCTIONS["AssembleOutput"]
    seconds = segment_seconds(workload)
    hours = workload.segments * seconds / assemble.concurrency / 3600
    yield Row("assemble", "seconds a segment", seconds, assemble.timeout)
    yield Row("assemble", "hours for all, at AssembleConcurrency", hours, DEADLINE)
    yield Row("assemble", "MB a piece", workload.piece_bytes / MB)


@dataclass(frozen=True)
class Composition:
    """One object put together by one invocation, as ComposeObject does it."""

    parts: list[Part]

    @classmethod
    def of(cls, pieces: list[int]) -> "Composition":
        return cls(plan_parts(pieces))

    @property
    def gathered(self) -> int:
        """Bytes that pass through the function's memory."""
        return sum(part.size for part in self.parts if not part.copied)

    @property
    def seconds(self) -> float:
        """Copies go side by side; what is gathered, one after the other."""
        gathering = sum(
            (len(part.ranges) + 1) * SPEED.s3 + 2 * part.size / SPEED.s3_stream
            for part in self.parts
            if not part.copied
        )
        copies = [SPEED.s3 + part.size / SPEED.s3_copy for part in self.parts if part.copied]
        return max(gathering, sum(copies) / compose_object._COPIERS)  # noqa: SLF001


def compositions(workload: Workload) -> tuple[Composition, Composition]:
    """Of one node's pieces, and of the job's; a small job has no nodes to merge."""
    if workload.segments <= FAN_OUT:
        return Composition([]), Composition.of([workload.piece_bytes] * workload.segments)
    nodes, rest = divmod(workload.segments, FAN_OUT)
    merged = [FAN_OUT * workload.piece_bytes] * nodes + [rest * workload.piece_bytes] * (rest > 0)
    return Composition.of([workload.piece_bytes] * FAN_OUT), Composition.of(merged)


def finishing(workload: Workload) -> Iterator[Row]:
    assemble = FUNCTIONS["AssembleOutput"]
    node, job = compositions(workload)
    reading = -(-workload.segments // FAN_OUT) * SPEED.query_page
    total = workload.piece_bytes * workload.segments
    gathered = [part.size for each in (node, job) for part in each.parts if not part.copied]
    held = 2 * max(gathered, default=0)
    yield Row("merge", "GB of 256 segments through memory", node.gathered / 1e9)
    seconds = node.seconds + segment_seconds(workload)
    yield Row("merge", "seconds, with the segment's own", seconds, assemble.timeout)
    yield Row("finish", "GB of output", total / 1e9)
    yield Row("finish", "seconds to read the results", reading, assemble.timeout)
    yield Row("finish", "parts", len(job.parts), MAXIMUM_PARTS)
    yield Row("finish", "GB through the function's memory", job.gathered / 1e9)
    yield Row("finish", "MB held at a time", held / MB, assemble.gigabytes * 1000)
    yield Row("finish", "seconds in all", reading + job.seconds, assemble.timeout)


def largest_delivered(workload: Workload) -> Workload:
    """The largest file of the kind that is composed within the function's time."""
    timeout = FUNCTIONS["AssembleOutput"].timeout
    smallest, largest = 10**9, 48 * 10**12
    while largest - smallest > smallest // 100:
        middle = replace(workload, input_bytes=(smallest + largest) // 2)
        if _is_composed_in(middle, timeout):
            smallest = middle.input_bytes
        else:
            largest = middle.input_bytes
    return replace(workload, input_bytes=smallest)


def _is_composed_in(workload: Workload, timeout: float) -> bool:
    try:
        node, job = compositions(workload)
    except PermanentError:
        return False  # more than one object is composed of
    return max(node.seconds + segment_seconds(workload), job.seconds) <= timeout


if __name__ == "__main__":
    main()
