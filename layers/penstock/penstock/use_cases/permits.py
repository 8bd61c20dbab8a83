"""The permits of one job in one function, while it has a batch of chunks."""

from dataclasses import dataclass, field
from threading import Condition

from penstock.domain.admission import SHORTEST_WAIT, Lane


@dataclass(slots=True)
class Lot:
    """Permits in one lane: those that are free, those that are out, those that must not be used.

    It is closed when the endpoint refuses calls: once one chunk was refused, the others don't try.
    """

    lane: Lane
    tag: str
    free: int = 0
    out: int = 0
    surplus: int = 0
    waiting: int = 0
    closed: bool = False
    recovers: bool = False

    def await_free(self, changed: Condition) -> None:
        """While permits are out that may come back: as long as a wait in the queue, at least."""
        self.waiting += 1
        changed.wait_for(lambda: self.free or self.closed or not self.out, SHORTEST_WAIT)
        self.waiting -= 1


@dataclass(slots=True)
class Permit:
    """The right to send one chunk, as long as it is out.

    `changed` guards the lot and tells those who wait for a permit of it.
    """

    lot: Lot
    changed: Condition
    kept: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.lot.out += 1

    def keep(self) -> None:
        """The attempt is in flight; whoever hears of its end gives the permit back."""
        with self.changed:
            self._end(kept=True)

    def hand_on(self, *, wanted: bool = True) -> bool:
        """The attempt has ended: whether another chunk of the batch goes on with its permit.

        If not, it is to be given back as one of an attempt that was in flight.
        """
        with self.changed:
            wanted = wanted and not self.lot.closed and self.lot.waiting > self.lot.free
            self.lot.free += wanted
            self._end(kept=True)
        return wanted

    def put_back(self) -> None:
        """It was not used."""
        with self.changed:
            self.lot.free += 1
            self._end(kept=False)

    def _end(self, *, kept: bool) -> None:
        self.lot.out -= 1
        self.kept = kept
        self.changed.notify_all()
