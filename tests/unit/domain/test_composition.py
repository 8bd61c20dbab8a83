"""Pieces of any sizes become one object within S3's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.composition import (
    LARGEST_COPY,
    MAXIMUM_BUFFER,
    MAXIMUM_PARTS,
    MIB,
    MINIMUM_PART,
    Part,
    plan_parts,
)
from penstock.domain.errors import PermanentError

GIB = 1024 * MIB
MAXIMUM_PART = 5 * GIB  # S3 User Guide, "Multipart upload limits"

SIZES = st.lists(
    st.one_of(
        st.integers(0, 100),
        st.integers(0, 12 * MIB),
        st.sampled_from([0, 1, MINIMUM_PART - 1, MINIMUM_PART, MINIMUM_PART + 1, 2 * MINIMUM_PART]),
        st.integers(0, 12 * GIB),
        st.sampled_from([LARGEST_COPY, LARGEST_COPY + 1, 2 * LARGEST_COPY + 1, MAXIMUM_PART + 1]),
    ),
    max_size=30,
)


def covered(parts: list[Part]) -> list[tuple[int, int, int]]:
    """The ranges in the order of the object, neighbours of one piece joined."""
    joined: list[tuple[int, int, int]] = []
    for part in parts:
        for extent in part.ranges:
            if joined and joined[-1][0] == extent.piece and joined[-1][2] == extent.start:
                joined[-1] = (extent.piece, joined[-1][1], extent.end)
            else:
                joined.append((extent.piece, extent.start, extent.end))
    return joined


@given(SIZES)
def test_the_parts_are_the_pieces_in_order_and_whole(sizes: list[int]) -> None:
    parts = plan_parts(sizes)

    assert covered(parts) == [(piece, 0, size) for piece, size in enumerate(sizes) if size]


@given(SIZES)
def test_the_parts_obey_s3(sizes: list[int]) -> None:
    parts = plan_parts(sizes)

    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert len(parts) <= MAXIMUM_PARTS
    assert all(part.size >= MINIMUM_PART for part in parts[:-1])
    assert all(0 < part.size <= MAXIMUM_PART for part in parts)


@given(SIZES)
def test_a_copied_part_is_one_range_of_a_large_piece(sizes: list[int]) -> None:
    for part in plan_parts(sizes):
        if part.copied:
            (extent,) = part.ranges
            assert sizes[extent.piece] > MINIMUM_PART


@given(SIZES)
def test_a_gathered_part_fits_in_memory(sizes: list[int]) -> None:
    for part in plan_parts(sizes):
        if not part.copied:
            assert part.size <= MAXIMUM_BUFFER


@given(st.lists(st.integers(1, 3), min_size=1, max_size=50))
def test_gathered_parts_stay_small_beside_the_bound(megabytes: list[int]) -> None:
    for part in plan_parts([size * MIB for size in megabytes]):
        assert part.size < 2 * MINIMUM_PART


def test_no_bytes_need_no_parts() -> None:
    assert plan_parts([]) == plan_parts([0, 0]) == []


def test_a_hundred_thousand_small_pieces_are_few_enough_parts() -> None:
    parts = plan_parts([2 * MIB] * 100_000)

    assert len(parts) <= MAXIMUM_PARTS
    assert all(part.size <= MAXIMUM_BUFFER for part in parts)


def test_a_terabyte_is_composed() -> None:
    parts = plan_parts([9 * MIB, 40 * MIB, 200 * MIB] * 4400)

    assert sum(part.size for part in parts) > 1024**4
    assert len(parts) <= MAXIMUM_PARTS


def test_more_than_can_be_composed_is_refused() -> None:
    with pytest.raises(PermanentError, match="OutputTooLarge"):
        plan_parts([GIB] * 1200)
