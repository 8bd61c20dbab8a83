"""Ports that fail once, at a chosen border: before a call does anything, or when it has done it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.domain.errors import RetryableError
from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import InvocationError, Kind, Trouble
from tests.unit.use_cases.world import Killed

Manner = Literal["killed", "failed"]


@dataclass
class Interruption:
    """It happens at the n-th border; `borders` names those that were reached.

    `killed`: the function's process is gone, nothing it tries after that has an effect, and its
    message comes back. `failed`: one call raises, as if its answer had been lost on the way.
    """

    at: int | None = None
    manner: Manner = "killed"
    borders: list[str] = field(default_factory=list)
    dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def where(self) -> str:
        return self.borders[self.at] if self.at is not None else ""

    def wrap(self, name: str, port: Any) -> "InterruptedPort":
        return InterruptedPort(self, name, port)

    def revive(self, *_: Any) -> None:
        """Another process takes the next message."""
        self.dead = False

    def cross(self, border: str) -> None:
        with self._lock:
            here = len(self.borders) == self.at
            self.borders.append(border)
            self.dead = self.dead or (here and self.manner == "killed")
        if self.dead:
            raise Killed
        if here:
            raise _failure(border)


def _failure(border: str) -> Exception:
    if "transforms.create" in border:
        return CreationError(Trouble(Kind.RETRYABLE, "ConnectionError", "connection reset"))
    if "model." in border:
        return InvocationError(Trouble(Kind.RETRYABLE, "ConnectionError", "connection reset"))
    return RetryableError("ConnectionError", "connection reset")


@dataclass
class InterruptedPort:
    interruption: Interruption
    name: str
    port: Any

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self.port, method)

        def interrupted(*args: Any, **kwargs: Any) -> Any:
            border = " ".join([f"{self.name}.{method}", *(a for a in args if isinstance(a, str))])
            self.interruption.cross(f"before {border}")
            answer = call(*args, **kwargs)
            if method == "stream":
                answer = iter(list(answer))
            self.interruption.cross(f"after {border}")
            return answer

        return interrupted
