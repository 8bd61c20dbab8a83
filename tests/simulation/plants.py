"""Bugs on purpose: each stands for one that could be in the product, put around one of its parts.

A plant sees a port or a handler by its name and gives another one back.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome, halves
from penstock.domain.job import Job
from penstock.domain.merging import Entry, Step, entry_of, merge_steps
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


def halves_off_by_one(chunk: ChunkMessage, outcome: Outcome) -> tuple[ChunkMessage, ChunkMessage]:
    """The second half counts its records from one too early."""
    first, second = halves(chunk, outcome)
    return first, replace(second, first_record=second.first_record - 1)


def one_half_is_sent(name: str, part: Any) -> Any:
    """Of a bisected chunk's halves the second is forgotten."""
    if name != "queues":
        return part

    def invoke(job_id: str, messages: Sequence[ChunkMessage], delay: int = 0) -> None:
        part.invoke(job_id, [each for each in messages if each.bits != "01"], delay)

    return Instead(part, invoke=invoke)


def halves_are_sent_once(name: str, part: Any) -> Any:
    """A function that dies between a bisection and its halves leaves it at that."""
    if name == "table":
        _seen["bisected"] = part
    if name not in ("invoke", "results"):
        return part

    def handle(document: dict[str, Any]) -> None:
        if not _is_bisected(_seen["bisected"], document):
            part(document)

    return handle


def _is_bisected(table: FakeTable, document: dict[str, Any]) -> bool:
    if "inferenceId" in document:
        job_id, path, *_ = document["inferenceId"].split(":")
    else:
        message = ChunkMessage.from_json(document)
        job_id, path = message.job_id, str(message.path)
    states = {str(each): state for (owner, each), state in table.chunks.items() if owner == job_id}
    return path in states and states[path].bisected


def stops_are_not_heeded(name: str, part: Any) -> Any:
    """Chunks go to the model whatever the user has said."""
    if name == "table":
        _seen["stopped"] = part
    if name != "invoke":
        return part

    def handle(document: dict[str, Any]) -> None:
        jobs = _seen["stopped"].jobs
        job = jobs.get(document["job_id"])
        if job is None or job.stop is None or job.status.terminal:
            part(document)
            return
        jobs[job.job_id] = replace(job, stop=None)
        try:
            part(document)
        finally:
            jobs[job.job_id] = replace(jobs[job.job_id], stop=job.stop)

    return handle


def failures_count_twice(table: FakeTable) -> dict[str, Callable[..., Any]]:
    """The breaker takes one failure for two."""
    return {"count": lambda job_id, name, number: table.count(job_id, name, 2 * number)}


def nobody_is_on_probation(job: Job, since: float) -> bool:
    """A model that refuses everything has the whole file bisected."""
    return False


def late_answers_count(table: FakeTable) -> dict[str, Callable[..., Any]]:
    """The fence is lost: an answer takes the place of the error of a job that was stopped."""

    def settle(job_id: str, path: Any, outcome: Outcome) -> bool:
        known = table.chunks.get((job_id, path))
        if known and known.outcome and known.outcome.unfinished and outcome.kind == "predictions":
            table.chunks[job_id, path] = replace(known, outcome=outcome)
            return True
        return table.settle(job_id, path, outcome)

    return {"settle": settle}


def error_lines_stay(failed: Iterable[bytes], entries: Iterable[Entry]) -> Iterator[Step]:
    """What a redrive has mended stays in the error file."""
    lines = list(failed)
    for line, step in zip(lines, merge_steps(lines, entries), strict=True):
        yield replace(step, error=step.error or line + b"\n")


def redriven_records_are_their_neighbours(job_id: str, style: Any, settled: Any) -> Entry:
    entry = entry_of(job_id, style, settled)
    return replace(entry, index=entry.index + 1)


def failed_transform_jobs_have_no_outputs(name: str, part: Any) -> Any:
    """As SageMaker's status seems to say."""
    if name != "objects":
        return part

    def keys(bucket: str, prefix: str) -> list[str]:
        found: list[str] = part.keys(bucket, prefix)
        return [] if "/out/" in prefix else found

    return Instead(part, keys=keys)
