"""Sees which objects a job reads and writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from penstock.ports import ObjectRef, Upload
from penstock.testing import FakeObjects

Place = tuple[str, str]
"""Bucket and key."""


@dataclass
class Witness:
    """Around the ObjectStore of a World: `World(wrap=witness.around)`."""

    read: set[Place] = field(default_factory=set)
    written: set[Place] = field(default_factory=set)

    def around(self, name: str, port: Any) -> Any:
        return _Watched(self, port) if name == "objects" else port

    def note(self, method: str, arguments: tuple[Any, ...]) -> None:
        """Of a call. Bucket and key as texts are of those that write, with two exceptions."""
        for each in arguments:
            if isinstance(each, ObjectRef):
                self.read.add((each.bucket, each.key))
            elif isinstance(each, Upload):
                self.written.add((each.bucket, each.key))
        match arguments:
            case [str(bucket), str(key), *_] if method == "newest":
                self.read.add((bucket, key))
            case [str(bucket), str(key), *_] if method != "open_uploads":  # which only lists
                self.written.add((bucket, key))


@dataclass
class _Watched:
    witness: Witness
    objects: FakeObjects

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.objects, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.witness.note(name, arguments)
            return method(*arguments, **options)

        return watched
