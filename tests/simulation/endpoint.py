"""The model behind the endpoint, with moods, and a note of each request and its verdict."""

import random
import re
from dataclasses import dataclass

from penstock.domain.transform_trouble import CreationError
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.ports_transform import TransformRequest
from tests.simulation.scenario import Scenario
from tests.unit.use_cases.transforming import DIED
from tests.unit.use_cases.world import CLIENT_ERROR, SERVER_ERROR, Failed, Request, Response, model

NAME = re.compile(rb"r(\d+)x")
BUSY = "ClientError: Received client error (429) from model. See the logs."


@dataclass(frozen=True)
class Call:
    """One inference: the records that were in it, by the numbers in their names."""

    inference_id: str
    names: frozenset[int]
    verdict: str  # answered, failed, busy, refused, short, crashed

    @property
    def owed(self) -> int:
        """Results of the whole chunk, some of which may be for other models."""
        return int(self.inference_id.split(":")[3])


class Endpoint:
    def __init__(self, scenario: Scenario, header: bytes, chance: random.Random) -> None:
        self.scenario, self.moods = scenario, scenario.moods
        self.header, self.chance = header, chance
        self.calls: list[Call] = []
        self.throttled = 0

    def admit(self, _request: Request) -> None:
        if self.chance.random() < self.moods.throttled:
            self.throttled += 1
            raise InvocationError(Trouble(Kind.UNAVAILABLE, "ThrottlingException", "slow down"))

    def admit_transform(self, _request: TransformRequest) -> None:
        if self.chance.random() < self.moods.throttled:
            self.throttled += 1
            text = "The account-level service limit is 4 Instances, with current utilization of 4"
            raise CreationError(Trouble(Kind.UNAVAILABLE, "ResourceLimitExceeded", text))

    def answer(self, body: bytes, request: Request) -> Response:
        assert body.startswith(self.header), "a request lacks the header"
        body = body.removeprefix(self.header)
        verdict = self._verdict(body)
        names = frozenset(int(number) for number in NAME.findall(body))
        self.calls.append(Call(request.inference_id, names, verdict))
        if verdict == "crashed" and self.scenario.dies:
            return Failed(DIED)
        if verdict in ("failed", "crashed"):
            return Failed(SERVER_ERROR)
        if verdict == "busy":
            return Failed(BUSY)
        if verdict == "refused":
            return Failed(CLIENT_ERROR, b"I don't like `bad`")
        response = model(body, request)
        return _shortened(response) if verdict == "short" else response

    def _verdict(self, body: bytes) -> str:
        if self.chance.random() < self.moods.failing:
            return "failed"
        if self.chance.random() < self.moods.busy:
            return "busy"
        if b"crash" in body:
            return "crashed"
        if b"bad" in body:
            return "refused"
        return "short" if b"short" in body else "answered"


def _shortened(response: bytes) -> bytes:
    """One result is missing; nobody can tell which."""
    if response.startswith(b'{"predictions": ['):
        return b'{"predictions": []}'
    return b"".join(response.splitlines(keepends=True)[:-1])
