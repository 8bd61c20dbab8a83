"""Writing an object of unknown length with little memory."""

import pytest

from penstock.testing import FakeObjects
from penstock.use_cases.piece_writer import PART, PieceWriter
from tests.unit.use_cases.interruptions import Interruption


def written(sizes: list[int]) -> tuple[FakeObjects, Interruption, int]:
    """The store, the calls made to it, and the most bytes that waited between two lines."""
    objects, calls, most = FakeObjects(), Interruption(), 0
    writer = PieceWriter(calls.wrap("objects", objects), "work", "piece", "text/plain")
    for size in sizes:
        writer.write([b"x" * size])
        most = max(most, len(writer._buffer))
    writer.close()
    assert writer.size == sum(sizes)
    return objects, calls, most


@pytest.mark.parametrize(
    "sizes", [[1], [PART], [2 * PART - 1], [2 * PART], [5 * PART + 3], [PART + 1] * 5, [3] * 10]
)
def test_a_piece_has_all_its_bytes(sizes: list[int]) -> None:
    objects, _, _ = written(sizes)

    assert len(objects.body("work", "piece")) == sum(sizes)
    assert objects.uploads == {}


def test_a_small_piece_is_put_in_one_request() -> None:
    _, calls, _ = written([2 * PART - 1])

    assert [call for call in calls.borders if "before" in call] == [
        "before objects.put work piece text/plain"
    ]


def test_no_bytes_make_no_object() -> None:
    objects, calls, _ = written([0, 0])

    assert (objects.history, calls.borders) == ({}, [])


@pytest.mark.parametrize("sizes", [[6 * PART] * 2, [PART + 1] * 6])
def test_long_lines_do_not_pile_up_in_memory(sizes: list[int]) -> None:
    _, _, most = written(sizes)

    assert most < 2 * PART
