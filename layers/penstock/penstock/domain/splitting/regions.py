"""Cutting a file into regions, by its size alone."""

from functools import lru_cache
from itertools import pairwise

from penstock.domain.splitting.model import BOM, ByteRange


def plan_regions(size: int, region_bytes: int) -> list[ByteRange]:
    """The first region is never shorter than a byte order mark, so that none is ever cut in two."""
    if size < 0 or region_bytes < 1:
        raise ValueError(f"cannot cut {size} bytes into regions of {region_bytes}")
    return list(_cut(size, region_bytes))


@lru_cache(maxsize=1)
def _cut(size: int, region_bytes: int) -> tuple[ByteRange, ...]:
    """Remembered: each message of a file of many regions asks for all of them, to work on one."""
    first = max(region_bytes, len(BOM))
    borders = [0, *range(first, size, region_bytes), size]
    return tuple(ByteRange(*pair) for pair in pairwise(borders) if size)
