"""The world in memory: a fake of every port, with the rules of the service behind it.

The tests in tests/contract/adapters run on each fake and on its adapter, so that the fakes stay
true. Nothing here is shared between instances, and every port method is a plain method: a wrapper
can count, fail or repeat it.
"""

from penstock.testing.admissions import FakeAdmissions
from penstock.testing.endpoints import FakeEndpoints
from penstock.testing.objects import FakeObjects
from penstock.testing.surroundings import (
    FakeAnnouncer,
    FakeClock,
    FakeJournal,
    FakeModel,
    FakeQueues,
    SentMessage,
)
from penstock.testing.table import FakeTable
from penstock.testing.transforms import FakeTransforms

__all__ = [
    "FakeAdmissions",
    "FakeAnnouncer",
    "FakeClock",
    "FakeEndpoints",
    "FakeJournal",
    "FakeModel",
    "FakeObjects",
    "FakeQueues",
    "FakeTable",
    "FakeTransforms",
    "SentMessage",
]
