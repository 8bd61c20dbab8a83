"""Who is last: however many, in whatever order, however often."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.fan_in import FAN_OUT, Step, steps_to_root
from penstock.testing import FakeTable
from penstock.use_cases.fan_in import report_done

COUNTS = [1, 2, 255, 256, 257, 511, 512, 513, 1000]


def report(table: FakeTable, leaf: int, leaves: int) -> bool:
    return report_done(table, "job", "kind", (leaf, leaves))


@pytest.mark.parametrize("leaves", COUNTS)
def test_the_last_leaf_completes_the_tree_in_any_order(leaves: int) -> None:
    order = list(range(leaves))
    random.Random(leaves).shuffle(order)
    table = FakeTable()

    answers = [report(table, leaf, leaves) for leaf in order]

    assert answers == [False] * (leaves - 1) + [True]


@given(st.data(), st.integers(2, 40))
def test_duplicates_never_complete_the_tree_before_all_leaves_are_in(
    data: st.DataObject, leaves: int
) -> None:
    table = FakeTable()
    reports = data.draw(st.lists(st.integers(0, leaves - 1), max_size=3 * leaves))

    seen: set[int] = set()
    for leaf in reports:
        seen.add(leaf)
        assert report(table, leaf, leaves) == (len(seen) == leaves)


@pytest.mark.parametrize("leaves", COUNTS)
def test_every_repetition_after_the_last_completes_it_again(leaves: int) -> None:
    table = FakeTable()
    for leaf in range(leaves):
        report(table, leaf, leaves)

    assert all(report(table, leaf, leaves) for leaf in range(leaves))


@given(st.integers(1, 5 * 10**6), st.data())
def test_no_node_has_more_children_than_fit_its_item(leaves: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, leaves - 1))

    for step in steps_to_root(leaf, leaves):
        assert 0 <= step.child < step.expected <= FAN_OUT


def test_a_single_leaf_is_its_own_root() -> None:
    assert list(steps_to_root(0, 1)) == []


def test_a_hundred_thousand_leaves_are_three_steps_from_the_root() -> None:
    assert len(list(steps_to_root(99_999, 100_000))) == 3


def test_a_last_node_may_wait_for_a_single_child() -> None:
    table = FakeTable()
    leaves = FAN_OUT + 1

    assert not report(table, FAN_OUT, leaves)
    assert [report(table, leaf, leaves) for leaf in range(FAN_OUT)][-1]


def test_each_complete_node_is_told_of_before_its_parent_is() -> None:
    table = FakeTable()
    told: list[Step] = []
    leaves = 2 * FAN_OUT

    for leaf in range(leaves):
        report_done(table, "job", "kind", (leaf, leaves), told.append)

    assert [(step.level, step.node) for step in told] == [(0, 0), (0, 1), (1, 0)]
