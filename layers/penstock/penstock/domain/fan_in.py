"""Fan-in as a tree of done-sets, so that no item grows large or hot.

A DynamoDB item that collects the numbers of its finished children stays under 1 KB, thus 1 write
unit an update, while there are at most 256 of them. A set is idempotent where a counter is not: the
same child reported twice changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

FAN_OUT = 256


@dataclass(frozen=True, slots=True)
class Step:
    """Child `child` of node `node` on `level` is done; the node is when it has `expected`."""

    level: int
    node: int
    child: int
    expected: int


def steps_to_root(leaf: int, leaves: int) -> Iterator[Step]:
    """The done-marks between a leaf and the root, leaf first.

    Take the next step only when this one's node is complete. Nothing for a single leaf: it is
    its own root.
    """
    level = 0
    while leaves > 1:
        node, child = divmod(leaf, FAN_OUT)
        yield Step(level, node, child, min(FAN_OUT, leaves - node * FAN_OUT))
        leaf, leaves, level = node, -(-leaves // FAN_OUT), level + 1
