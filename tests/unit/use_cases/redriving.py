"""A file that ran once with records that failed, and what brings them back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.domain.job import Job
from penstock.testing import FakeTable
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    Failed,
    Predict,
    Request,
    Response,
    World,
    model,
)

DEMO = "invoke: {endpoint: demo}\n"
SINGLY = "chunk: {max_records: 1}\n"


def disliking(*words: bytes, then: Predict = model) -> Predict:
    """A model that does not like requests with any of the words in it."""

    def predict(body: bytes, request: Request) -> Response:
        if any(word in body for word in words):
            return Failed(CLIENT_ERROR, b"I don't like it")
        return then(body, request)

    return predict


@dataclass
class Ran:
    """`world` after the first run of the file, long after: no job and no piece is left of it."""

    world: World
    key: str
    job_id: str

    @property
    def dropped_key(self) -> str:
        return f"{self.key}.errors.jsonl"

    @property
    def error_file(self) -> list[dict[str, Any]]:
        return self.world.errors(self.key)

    def redrive(
        self, lines: list[dict[str, Any]] | bytes | None = None, predict: Predict = model
    ) -> Job:
        """Drops the lines, those of the error file if none are given, and waits for the end."""
        self.world.predict = predict
        job_id = self.drop(self.error_file if lines is None else lines)
        self.world.run()
        return self.world.job(job_id)

    def drop(self, lines: list[dict[str, Any]] | bytes) -> str:
        return self.world.drop(
            self.dropped_key, lines if isinstance(lines, bytes) else jsonl(lines)
        )

    def restore(self, world: World) -> None:
        """Has another world hold what is left of this one."""
        world.objects.history |= {
            name: list(versions) for name, versions in self.world.objects.history.items()
        }
        world.objects._ids = self.world.objects._ids

    @property
    def delivered(self) -> Mapping[str, list[bytes]]:
        """All versions of all outputs of the file."""
        names = (f"{self.key}{suffix}" for suffix in (".out", ".errors.jsonl", ".manifest.json"))
        history = self.world.objects.history
        return {name: [each.body or b"" for each in history["output", name]] for name in names}

    @property
    def redrive_failure(self) -> dict[str, Any]:
        """As its own manifest tells it."""
        return dict(self.world.manifest(self.dropped_key)["failure"])


def jsonl(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def ran(
    key: str,
    body: bytes,
    predict: Predict = disliking(b"bad"),  # noqa: B008  it holds no state
    pipeline: str = DEMO + SINGLY,
    **options: Any,
) -> Ran:
    """Runs the file, and forgets all but what lies in the buckets of the user."""
    world = World(predict, pipeline=pipeline, **options)
    job_id = world.drop(key, body)
    world.run()
    forget(world)
    return Ran(world, key, job_id)


def forget(world: World) -> None:
    """Job table and work bucket have expired."""
    emptied = FakeTable()
    vars(world.table).update(vars(emptied))
    for bucket, name in list(world.objects.history):
        if bucket == "work":
            del world.objects.history[bucket, name]


def once_run(key: str, body: bytes, pipeline: str, predict: Predict = model) -> World:
    """What one run with a healthy model would give."""
    world = World(predict, pipeline=pipeline)
    world.drop(key, body)
    return world.run()
