"""Cutting a file into regions, by its size alone."""

from itertools import pairwise

from penstock.domain.splitting.model import BOM, ByteRange


def plan_regions(size: int, region_bytes: int) -> list[ByteRange]:
    """The first region is never shorter than a byte order mark, so that none is ever cut in two."""
    if size < 0 or region_bytes < 1:
        raise ValueError(f"cannot cut {size} bytes into regions of {region_bytes}")
    first = max(region_bytes, len(BOM))
    borders = [0, *range(first, size, region_bytes), size]
    return [ByteRange(*pair) for pair in pairwise(borders) if size]
