"""The decks of blows, and what deals them while a job runs.

A deck is shuffled by a seed, and all of its cards are dealt. When one falls, and which process it
hits, is the machine's affair: the outcome must not depend on it.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.error import HTTPError

from tests.e2e.chaos import QUEUES, TIMEOUT, Weather, in_work, kill, workers
from tests.e2e.harness import Stack

Card = tuple[str, str]
"""What strikes; and which function, if it is a kill."""

RARE = ("AcceptUpload", "SplitInput", "AssembleOutput")
"""Functions that have little to do: they are hit when there is something to hit."""

_RARE_KILLS = tuple(("kill", function) for function in RARE)
REALTIME_CARDS: tuple[Card, ...] = (
    *_RARE_KILLS,
    *[("kill", "InvokeModel")] * 6,
    *[("kill model server", "")] * 6,
    *[("storm", "")] * 2,
)
ASYNC_CARDS: tuple[Card, ...] = (*REALTIME_CARDS, *[("kill", "CollectResult")] * 6)
TRANSFORM_CARDS: tuple[Card, ...] = (
    *_RARE_KILLS,
    *[("kill", "InvokeModel")] * 4,
    *[("kill", "StartTransform")] * 3,
    *[("kill", "CollectResult")] * 4,
    *[("kill model server", "")] * 4,
    *[("lose event", "")] * 2,
    *[("double event", "")] * 2,
    ("fail model", ""),
    ("hang", ""),
    ("lose answer", ""),
    ("throttle", ""),
    ("take instances", ""),
)

STORM = (
    {"fault": "hang", "times": 1, "seconds": 4 * TIMEOUT},
    {"fault": "lost_answer", "times": 1, "seconds": 4 * TIMEOUT},
    {"fault": "throttle", "times": 15},
)
"""What becomes of the next calls to the endpoint: two outlive their function, others fail."""

ROOM = {"transform_instances": 24, "create_transform_jobs_per_second": 5}
"""So that records which are tried again each apart don't have to wait for each other: an account
has less of both. What there is no room for is a matter of cards."""

NO_ROOM = "no_room"
"""Counts with the faults, and is none: an account has only so many instances."""

Blow = Callable[[], bool]


class Target(Protocol):
    """What a job has its records predicted by."""

    pauses: tuple[float, float]
    """Between two blows, from and to, as `progress` counts: a slow machine gets no more of them."""

    @property
    def blows(self) -> Mapping[str, Blow]:
        """Of cards that are no kill of a function. False: there is nothing to hit yet."""

    def progress(self) -> float:
        """How far the job has come."""


@dataclass
class EndpointTarget:
    """An endpoint; progress is counted in calls to it."""

    echo: Stack
    weather: Weather
    endpoint: str
    pauses: tuple[float, float] = (3, 10)

    @property
    def blows(self) -> Mapping[str, Blow]:
        return {"kill model server": self._kill, "storm": self._storm}

    def progress(self) -> float:
        endpoints = self.echo.local_sagemaker("GET", "/_local/stats")["endpoints"]
        return float(endpoints[self.endpoint]["accepted"])

    def _kill(self) -> bool:
        return kill_model_server(self.echo, endpoint=self.endpoint)

    def _storm(self) -> bool:
        return self.weather.worsen(*({**rule, "endpoint": self.endpoint} for rule in STORM))


@dataclass
class TransformTarget:
    """Transform jobs, all of which are of the one job that runs.

    Progress is counted in calls that create one. The first cards may fall before the first of them,
    while chunks are staged.
    """

    echo: Stack
    weather: Weather
    pauses: tuple[float, float] = (0.1, 0.6)
    _before: int = field(init=False)
    _refused_before: int | None = None

    def __post_init__(self) -> None:
        self._before = self._creations()

    @property
    def blows(self) -> Mapping[str, Blow]:
        return {
            "kill model server": self._kill,
            "lose event": lambda: self._spoil_end("lost_event"),
            "double event": lambda: self._spoil_end("duplicate_event"),
            "fail model": lambda: bool(self._running()) and self._worsen("model_error", times=4),
            "hang": lambda: self._call("hang", seconds=4 * TIMEOUT),
            "lose answer": lambda: self._call("lost_answer", seconds=4 * TIMEOUT),
            "throttle": lambda: self._call("throttle", times=2),
            "take instances": self._take_instances,
        }

    def progress(self) -> float:
        self._make_room()
        return 1 + self._creations() - self._before

    def _make_room(self) -> None:
        """Once a transform job was asked for in vain."""
        if self._refused_before is None or self.echo.transforms_refused() == self._refused_before:
            return
        self.weather.struck[NO_ROOM] += 1
        self._refused_before = None
        self.echo.local_sagemaker("PUT", "/_local/limits", ROOM)

    def _creations(self) -> int:
        operations = self.echo.local_sagemaker("GET", "/_local/stats")["operations"]
        return int(operations.get("CreateTransformJob", 0))

    def _running(self) -> list[str]:
        jobs = self.echo.local_sagemaker("GET", "/_local/stats")["transform_jobs"]
        return [name for name, job in jobs.items() if job["status"] == "InProgress"]

    def _kill(self) -> bool:
        return any(kill_model_server(self.echo, transform_job=name) for name in self._running())

    def _spoil_end(self, fault: str) -> bool:
        """The next event of a job that runs is that of its end."""
        for name in self._running():
            self.weather.worsen({"fault": fault, "endpoint": name, "times": 1})
            return name in self._running()  # else it may have come too late
        return False

    def _call(self, fault: str, **members: Any) -> bool:
        """The next calls go wrong that create a transform job."""
        return self._is_starting() and self._worsen(
            fault, operation="CreateTransformJob", **{"times": 1, **members}
        )

    def _worsen(self, fault: str, **members: Any) -> bool:
        return self.weather.worsen({"fault": fault, "endpoint": "penstock-*", **members})

    def _take_instances(self) -> bool:
        if not self._is_starting():
            return False
        self._refused_before = self.echo.transforms_refused()
        self.echo.local_sagemaker("PUT", "/_local/limits", {"transform_instances": 1})
        return True

    def _is_starting(self) -> bool:
        return bool(in_work(self.echo, QUEUES["StartTransform"]))


def kill_model_server(echo: Stack, **whose: str) -> bool:
    try:
        echo.local_sagemaker("POST", "/_local/kill", whose)
    except HTTPError:
        return False  # none runs
    return True


@dataclass
class Storm:
    """Deals its cards while it is asked to, one at a time.

    A card is dealt when there is something to hit: a function is hit while its queue has messages
    in work.
    """

    echo: Stack
    target: Target
    cards: tuple[Card, ...]
    chance: random.Random

    def __post_init__(self) -> None:
        self.deck = list(self.cards)
        self.chance.shuffle(self.deck)
        self._next = min(self.target.pauses)

    def blow(self) -> None:
        progress = self.target.progress()
        rare = [card for card in self.deck if card[1] in RARE]
        due = self.deck if progress >= self._next else rare
        card = next((card for card in due if self._hits(*card)), None)
        if card:
            self.deck.remove(card)
        if card and card not in rare:
            # Where progress comes by leaps, a blow that is late doesn't put the next one off.
            self._next = max(self._next, progress - 1) + self.chance.uniform(*self.target.pauses)

    def _hits(self, what: str, whom: str) -> bool:
        return self._kill_worker(whom) if what == "kill" else self.target.blows[what]()

    def _kill_worker(self, function: str) -> bool:
        if not in_work(self.echo, QUEUES[function]):
            return False
        found = sorted(workers(self.echo, function))
        return bool(found and kill([self.chance.choice(found)]))
