"""Bugs on purpose: each stands for one that could be in the product, put around one of its parts.

A plant sees a port or a handler by its name and gives another one back.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from penstock.domain.chunk import ChunkMessage, ChunkState
from penstock.testing import FakeTable
from tests.simulation.scheduler import Plant


class Instead:
    """A part of which some methods are others."""

    def __init__(self, part: Any, **methods: Callable[..., Any]) -> None:
        self.part, self.methods = part, methods

    def __getattr__(self, name: str) -> Any:
        return self.methods.get(name) or getattr(self.part, name)


def in_table(make: Callable[[FakeTable], dict[str, Callable[..., Any]]]) -> Plant:
    return lambda name, part: Instead(part, **make(part)) if name == "table" else part


def counter_instead_of_set(table: FakeTable) -> dict[str, Callable[..., Any]]:
    counts: Counter[Any] = Counter()

    def mark_done(job_id: str, kind: str, step: Any) -> int:
        table.mark_done(job_id, kind, step)
        counts[job_id, kind, step.level, step.node] += 1
        return counts[job_id, kind, step.level, step.node]

    return {"mark_done": mark_done}


def progress_is_told_once(table: FakeTable) -> dict[str, Callable[..., Any]]:
    """What follows the last child isn't done again after a crash."""

    def mark_done(job_id: str, kind: str, step: Any) -> int:
        known = step.child in table.done[job_id, kind, step.level, step.node]
        count = table.mark_done(job_id, kind, step)
        return 0 if known else count

    return {"mark_done": mark_done}


def last_writer_wins(table: FakeTable) -> dict[str, Callable[..., Any]]:
    def settle(job_id: str, path: Any, outcome: Any) -> Any:
        if (job_id, path) in table.chunks:
            table.chunks[job_id, path] = replace(table.chunks[job_id, path], outcome=None)
        return table.settle(job_id, path, outcome)

    return {"settle": settle}


def chunks_as_they_came(table: FakeTable) -> dict[str, Callable[..., Any]]:
    def get_segment(job_id: str, segment: int) -> list[ChunkState]:
        states = {id(state): state for state in table.get_segment(job_id, segment)}
        return [state for state in table.chunks.values() if id(state) in states]

    return {"get_segment": get_segment}


def status_without_condition(table: FakeTable) -> dict[str, Callable[..., Any]]:
    return {
        "update_job": lambda job_id, _unless, **fields: table.update_job(
            job_id, frozenset(), **fields
        )
    }


def first_record_off_by_one(name: str, part: Any) -> Any:
    if name != "queues":
        return part

    def invoke(job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None:
        moved = [replace(m, first_record=m.first_record + (m.chunk > 0)) for m in messages]
        part.invoke(job_id, moved, delay)

    return Instead(part, invoke=invoke)


def range_off_by_one(name: str, part: Any) -> Any:
    """The last byte of a chunk is its neighbour's: seen where that is more than a line end."""
    if name != "queues":
        return part

    def invoke(job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None:
        part.invoke(job_id, [replace(each, end=each.end + 1) for each in messages], delay)

    return Instead(part, invoke=invoke)


def stale_failure_counts(name: str, part: Any) -> Any:
    """The failure of any attempt is taken for that of the one in flight."""
    tables: list[FakeTable] = _seen.setdefault("tables", [])
    if name == "table":
        tables[:] = [part]
    if name != "results":
        return part

    def handle(document: dict[str, Any]) -> None:
        if document["invocationStatus"] == "Failed":
            job_id, path, attempt, *rest = document["inferenceId"].split(":")
            for (_, known), state in tables[0].chunks.items():
                attempt = str(state.attempt or attempt) if str(known) == path else attempt
            document = document | {"inferenceId": ":".join([job_id, path, attempt, *rest])}
        part(document)

    return handle


_seen: dict[str, Any] = {}


def announcement_is_not_repeated(name: str, part: Any) -> Any:
    """A job that has its final status is taken for announced."""
    if name != "assemble":
        return part
    tables: list[FakeTable] = _seen.setdefault("ended", [])

    def handle(document: dict[str, Any]) -> None:
        job = tables[0].get_job(document["job_id"])
        if job is None or not job.status.terminal:
            part(document)

    return handle


def remembering_the_table(plant: Plant) -> Plant:
    def planted(name: str, part: Any) -> Any:
        if name == "table":
            _seen["ended"] = [part]
        return plant(name, part)

    return planted


def each_event_is_news(name: str, part: Any) -> Any:
    if name != "upload":
        return part
    count = iter(range(1000))

    def handle(event: dict[str, Any]) -> None:
        found = event["detail"]["object"] | {"sequencer": str(next(count))}
        found.pop("version-id")
        part(event | {"detail": event["detail"] | {"object": found}})

    return handle


def inference_is_repeated(name: str, part: Any) -> Any:
    """A message that comes twice goes to the model twice: its record isn't looked for."""
    if name == "table":
        _seen["reading"] = part
    if name != "invoke":
        return part

    def handle(document: dict[str, Any]) -> None:
        chunks, table = _seen["reading"].chunks, _seen["reading"]
        mine = {key: each for key, each in chunks.items() if each.outcome is None}
        for key, state in mine.items():
            table.chunks[key] = replace(state, inference_id=None)
        part(document)
        for key, state in mine.items():
            if table.chunks[key].inference_id is None:
                table.chunks[key] = replace(table.chunks[key], inference_id=state.inference_id)

    return handle


def uploads_are_not_aborted(name: str, part: Any) -> Any:
    return Instead(part, abort_upload=lambda _target: None) if name == "objects" else part


def nothing_is_swept(name: str, part: Any) -> Any:
    return (lambda _document: None) if name == "sweep" else part
