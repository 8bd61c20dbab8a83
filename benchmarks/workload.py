"""A large job, told by a few numbers. Pure."""

from dataclasses import dataclass

from penstock.domain.splitting import ChunkLimits
from penstock.domain.splitting.resolve import segments_of
from penstock.settings import Settings
from penstock.use_cases.accept_upload import LARGEST_REGION_COUNT

DEFAULT_LIMITS = ChunkLimits(max_records=1000, max_bytes=4 * 1024**2)


@dataclass(frozen=True)
class Workload:
    """A file, and what the model makes of it."""

    name: str
    record_bytes: int
    answer_bytes: int
    input_bytes: int = 10**12
    limits: ChunkLimits = DEFAULT_LIMITS

    @property
    def region_bytes(self) -> int:
        least = Settings("table", "work").region_bytes
        return max(least, -(-self.input_bytes // LARGEST_REGION_COUNT))

    @property
    def regions(self) -> int:
        return -(-self.input_bytes // self.region_bytes)

    @property
    def chunk_bytes(self) -> int:
        return min(self.limits.max_bytes, self.limits.max_records * self.record_bytes)

    @property
    def chunks_per_region(self) -> int:
        """The first holds the record that straddles the border."""
        return -(-self.region_bytes // self.chunk_bytes) + 1

    @property
    def chunks(self) -> int:
        return self.regions * self.chunks_per_region

    @property
    def segments(self) -> int:
        return self.regions * segments_of(self.chunks_per_region)

    @property
    def chunks_per_segment(self) -> float:
        return self.chunks / self.segments

    @property
    def piece_bytes(self) -> int:
        """Of output, a segment."""
        return self.input_bytes // self.record_bytes * self.answer_bytes // self.segments
