"""Splitting a file into records and chunks, exactly, with all its regions read in parallel.

Each region is scanned once under every hypothesis about the state in which it is entered; when all
have reported, `resolve` picks the hypothesis that holds in each from their summaries alone.
"""

from penstock.domain.splitting.chunks import chunks_of
from penstock.domain.splitting.model import (
    ByteRange,
    Chunk,
    ChunkLimits,
    Dialect,
    Format,
    State,
)
from penstock.domain.splitting.records import (
    SplitBytes,
    find_record_fault,
    split_bytes,
    split_records,
)
from penstock.domain.splitting.regions import plan_regions
from penstock.domain.splitting.resolve import (
    CHUNKS_PER_SEGMENT,
    MAX_SEGMENTS,
    Resolution,
    ResolvedRegion,
    UnbalancedQuoteError,
    resolve,
)
from penstock.domain.splitting.scan import RegionScanner
from penstock.domain.splitting.summary import Passage, Plan, RegionScan, RegionSummary

__all__ = [
    "CHUNKS_PER_SEGMENT",
    "MAX_SEGMENTS",
    "ByteRange",
    "Chunk",
    "ChunkLimits",
    "Dialect",
    "Format",
    "Passage",
    "Plan",
    "RegionScan",
    "RegionScanner",
    "RegionSummary",
    "Resolution",
    "ResolvedRegion",
    "SplitBytes",
    "State",
    "UnbalancedQuoteError",
    "chunks_of",
    "find_record_fault",
    "plan_regions",
    "resolve",
    "split_bytes",
    "split_records",
]
