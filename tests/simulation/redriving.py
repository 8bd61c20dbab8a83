"""A second part for some runs: what failed runs again, under the same faults, and is merged."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from penstock.domain.job import Job
from tests.simulation.invariants import Run, nothing_is_left, outcomes_stand
from tests.simulation.oracle import Line, Record, record_of
from tests.simulation.scheduler import SimulatedWorld
from tests.unit.use_cases.redriving import forget, jsonl

SHARE = 0.5
"""Of the runs in which records failed."""

Lines = list[dict[str, Any]]


@dataclass
class Redriven:
    """What was dropped, after which first run, and which job it became."""

    world: SimulatedWorld
    before: Run
    dropped: Lines
    mended: dict[int, Record]
    job_id: str
    first: dict[str, bytes] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        return self.world.job(self.job_id)

    @property
    def failed_as_a_whole(self) -> bool:
        """It was out of time, or cancelled, before it knew its records."""
        return self.job.totals is None


def redrive(run: Run) -> list[str]:
    """Complaints about it; none of a run that is not redriven."""
    chance = random.Random(f"redrive {run.scenario.seed}")
    if not run.errors or chance.random() >= SHARE:
        return []
    again = _dropped(run, chance)
    again.world.run()
    if not again.job.status.terminal:
        return [f"redrive {again.job_id} is still {again.job.status}"]
    return [complaint for check in CHECKS for complaint in check(again)]


def _dropped(run: Run, chance: random.Random) -> Redriven:
    world, before = run.world, _remembered(run)
    lines = [line for line in run.errors if chance.random() < 0.8] or run.errors[:1]
    mended = {line["record"]: _mended(line) for line in lines if chance.random() < 0.5}
    dropped = [mended.get(line["record"], line) for line in lines]
    forget(world)
    world.outcomes.clear()
    world.announcer.jobs.clear()
    world.deliveries = 0
    job_id = world.drop(f"{run.scenario.key}.errors.jsonl", jsonl(dropped))
    changed = {line["record"]: line for line in dropped if line not in run.errors}
    again = Redriven(world, before, dropped, _records(run, changed), job_id)
    for name in (".out", ".errors.jsonl", ".manifest.json"):
        again.first[name] = world.objects.body("output", run.scenario.key + name)
    return again


def _remembered(run: Run) -> Run:
    """With all that is compared, since it will change."""
    _ = run.manifest, run.errors, run.lines, run.records
    return run


def _mended(line: dict[str, Any]) -> dict[str, Any]:
    """A record that the model takes, where the line has all of it."""
    if "input" not in line or "input_truncated" in line:
        return line
    text = line["input"]
    for nature in ("bad", "short", "crash"):
        text = text.replace(nature, "good")
    return line | {"input": text}


def _records(run: Run, changed: dict[int, dict[str, Any]]) -> dict[int, Record]:
    """What the mended records are, and must become."""
    raws = {index: line["input"].encode() for index, line in changed.items()}
    return {index: record_of(run.scenario, index, raw) for index, raw in raws.items()}


def counts_add_up(again: Redriven) -> Iterator[str]:
    if again.failed_as_a_whole:
        return
    manifest, errors = _manifest(again), _errors(again)
    found, total = manifest["records"], again.before.manifest["records"]["total"]
    if found != {"total": total, "succeeded": total - len(errors), "failed": len(errors)}:
        yield f"{total} records, {len(errors)} error lines, and the manifest has {found}"
    (told,) = manifest["redrives"]
    succeeded = len(again.before.errors) - len(errors)
    if (told["records"], told["succeeded"]) != (len(again.dropped), succeeded):
        yield f"{len(again.dropped)} redriven, {succeeded} succeeded: {told}"


def a_redrive_that_fails_changes_nothing(again: Redriven) -> Iterator[str]:
    if not again.failed_as_a_whole:
        return
    for name, body in again.first.items():
        if again.world.objects.body("output", again.before.scenario.key + name) != body:
            yield f"{name} was changed by a redrive that failed: {again.job.failure}"


def the_first_version_is_kept(again: Redriven) -> Iterator[str]:
    for name, body in again.first.items():
        versions = again.world.objects.history["output", again.before.scenario.key + name]
        if body not in [each.body for each in versions]:
            yield f"the first version of {name} is gone"


def lines_are_where_they_belong(again: Redriven) -> Iterator[str]:
    """Lines of records that did not run again are the same; others are predictions or errors."""
    if again.failed_as_a_whole:
        return
    left = {error["record"]: error for error in _errors(again)}
    before = dict(zip(_shown(again, again.before.errors), again.before.lines, strict=True))
    now = Run(again.world, again.before.job_id)
    shown = _shown(again, _errors(again))
    if len(shown) != len(now.lines):
        yield f"{len(now.lines)} lines for {len(shown)} records"
        return
    redriven = {line["record"] for line in again.dropped}
    for index, line in zip(shown, now.lines, strict=True):
        if index not in redriven:
            if line != before[index]:
                yield f"record {index} did not run again, and became {line}"
        elif not _is_right(again, index, line, failed=index in left):
            yield f"record {index} ran again and became {line}"


def _is_right(again: Redriven, index: int, line: Line, *, failed: bool) -> bool:
    if failed:
        return '"error":' in line[-1] and f'"record":{index}' in line[-1]
    record = again.mended.get(index, again.before.records[index])
    return line == record.expected


def _shown(again: Redriven, errors: Lines) -> list[int]:
    """Records that have a line."""
    failed = {error["record"] for error in errors}
    omitted = again.before.scenario.on_error == "omit"
    indexes = range(len(again.before.records))
    return [index for index in indexes if not (omitted and index in failed)]


def mended_records_do_not_fail_by_themselves(again: Redriven) -> Iterator[str]:
    for error in _errors(again):
        if error["record"] in again.mended and error["error"] == "WrongResultCount":
            yield f"a mended record fails: {error}"


def the_end_of_the_redrive_is_announced(again: Redriven) -> Iterator[str]:
    said = {json.dumps(summary) for summary, _ in again.world.announcer.jobs}
    if len(said) != 1:
        yield f"announced: {said}"
    elif again.job_id not in next(iter(said)):
        yield f"the redrive was announced as {said}"


def nothing_of_it_is_left(again: Redriven) -> Iterator[str]:
    yield from nothing_is_left(again.before)
    yield from outcomes_stand(again.before)


def _manifest(again: Redriven) -> dict[str, Any]:
    return again.world.manifest(again.before.scenario.key)


def _errors(again: Redriven) -> Lines:
    """The current ones; none if the manifest names no error file."""
    named = "errors" in _manifest(again)["outputs"]
    return again.world.errors(again.before.scenario.key) if named else []


CHECKS = (
    counts_add_up,
    a_redrive_that_fails_changes_nothing,
    the_first_version_is_kept,
    lines_are_where_they_belong,
    mended_records_do_not_fail_by_themselves,
    the_end_of_the_redrive_is_announced,
    nothing_of_it_is_left,
)
