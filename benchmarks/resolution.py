"""The last step of splitting, for as many regions as a job may have."""

import time
import tracemalloc
from collections.abc import Iterator

from benchmarks.wire import item_bytes
from benchmarks.workload import Workload
from penstock.adapters import items
from penstock.domain.splitting import (
    ByteRange,
    Dialect,
    Format,
    Passage,
    RegionScanner,
    RegionSummary,
    State,
    resolve,
)
from penstock.domain.splitting.model import Fill
from penstock.use_cases.accept_upload import LARGEST_REGION_COUNT


def largest_region_item() -> int:
    """Of a region near the end of 48 TiB, all of whose hypotheses stayed apart."""
    end = 48 * 1024**4
    longest = ByteRange(end - 10, end)
    passages = tuple(
        Passage(
            entries=(state,),
            exit=state,
            boundaries=longest,
            head=Fill.CONTENT,
            tail=Fill.CONTENT,
            records=10**9,
            chunks=10**9,
            leading_records=10**9,
            first_record=longest,
        )
        for state in State
    )
    summary = RegionSummary(longest, passages)
    item = items.region_key("0" * 20, LARGEST_REGION_COUNT - 1)
    document = {"summary": {"S": items.dumps(summary.to_json())}, "expires_at": {"N": "1790000000"}}
    return item_bytes(item | document)


def measured_resolution(workload: Workload) -> tuple[float, float]:
    """Seconds and megabytes of `resolve` for so many regions, with what it is given and gives."""
    tracemalloc.start()
    summaries = list(_summaries(workload))
    began = time.perf_counter()
    resolution = resolve(summaries, Dialect(Format.CSV), workload.input_bytes)
    seconds = time.perf_counter() - began
    messages = [region.to_json() for region in resolution.regions]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if len(messages) != workload.regions:
        raise RuntimeError("not all regions were resolved")
    return seconds, peak / 1e6


def _summaries(workload: Workload) -> Iterator[RegionSummary]:
    """One a region, each read from JSON, as from the table."""
    rows = b'1,"text"\n' * 100
    for start in range(0, workload.input_bytes, workload.region_bytes):
        end = min(start + workload.region_bytes, workload.input_bytes)
        scanned = ByteRange(start, start + len(rows))
        scanner = RegionScanner(Dialect(Format.CSV), workload.limits, scanned, end)
        scanner.feed(rows)
        document = scanner.finish().summary().to_json()
        yield RegionSummary.from_json({**document, "region": [start, end]})
