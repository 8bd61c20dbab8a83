"""What must hold after each run, whatever happened in it. Each check yields what it finds wrong."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log2
from typing import Any

from penstock.domain.job import Job
from tests.simulation.invariants_transform import (
    an_attempt_is_in_one_transform_job,
    the_manifest_lists_the_transform_jobs,
    transform_jobs_are_on_record,
)
from tests.simulation.oracle import Line, Record, canonical, cells, records_of
from tests.simulation.scenario import Scenario
from tests.simulation.scheduler import SimulatedWorld

REFUSALS = {"refused": "ModelError", "short": "WrongResultCount", "crashed": "ModelError"}
CUT_OFF = frozenset({"Cancelled", "TooManyFailures", "DeadlineExceeded"})


@dataclass
class Run:
    """One finished run and what it should have come to."""

    world: SimulatedWorld
    job_id: str

    @property
    def scenario(self) -> Scenario:
        return self.world.scenario

    @property
    def job(self) -> Job:
        return self.world.job(self.job_id)

    @property
    def doubled(self) -> bool:
        """Whether messages came twice."""
        return self.scenario.faults.duplicate > 0

    @property
    def several_models(self) -> bool:
        return self.scenario.mode == "models"

    @cached_property
    def records(self) -> list[Record]:
        return records_of(self.scenario)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return self.world.manifest(self.scenario.key)

    @cached_property
    def errors(self) -> list[dict[str, Any]]:
        key = self.scenario.key
        stored = f"{key}.errors.jsonl" in self.world.objects.keys("output")
        return self.world.errors(key) if stored else []

    @cached_property
    def lines(self) -> list[Line]:
        body = self.world.output(self.scenario.key)
        if self.scenario.fmt == "csv":
            return cells(body)
        lines = body.decode("utf-8", "replace").split("\n")[:-1]
        if self.scenario.fmt == "jsonl":
            return [[canonical(json.loads(line))] for line in lines]
        return [[line] for line in lines]

    @property
    def unsplit(self) -> bool:
        """The job was cancelled, or out of time, before its records were known."""
        late = self.scenario.hurried and self.job.failure is not None
        return self.job.totals is None and (late or self.job.stop is not None)

    @cached_property
    def judged(self) -> list[dict[str, Any]]:
        """Errors of records that had their turn."""
        return [error for error in self.errors if error["error"] not in CUT_OFF]


def attempts_of(run: Run) -> int:
    """Invocations; those of several models for one chunk count as one."""
    calls = run.world.endpoint.calls
    return len({call.inference_id for call in calls}) if run.several_models else len(calls)


def violations(run: Run) -> list[str]:
    ended = list(job_has_ended(run))
    if ended:
        return ended
    return [complaint for check in CHECKS for complaint in check(run)]


def job_has_ended(run: Run) -> Iterator[str]:
    if len(run.world.table.jobs) != 1:
        yield f"one object was dropped, {len(run.world.table.jobs)} jobs exist"
    for job in run.world.table.jobs.values():
        if not job.status.terminal:
            yield f"job {job.job_id} is still {job.status}"


def nothing_is_left(run: Run) -> Iterator[str]:
    for due in [*run.world.dead_letters, *run.world.left]:
        if due.queue in ("assemble", "results") and run.world.suffered.kills:
            continue  # It has waited in vain for a message whose function had died; that one came.
        yield f"a message is left in {due.queue}: {due.document}"
    leaked = len(run.world.objects.uploads)
    if leaked > run.world.suffered.lost_uploads:
        yield f"{leaked} multipart uploads are left open"


def records_are_conserved(run: Run) -> Iterator[str]:
    found, expected = run.manifest["records"], len(run.records)
    if run.unsplit:
        return
    if run.job.totals is None or run.job.totals.records != expected:
        yield f"the file has {expected} records, the job {run.job.totals}"
    if not found["total"] == found["succeeded"] + found["failed"] == expected:
        yield f"the file has {expected} records, the manifest {found}"
    if found["failed"] != len(run.errors):
        yield f"the manifest has {found['failed']} failures, the error file {len(run.errors)}"


def lines_are_in_order(run: Run) -> Iterator[str]:
    """Line i belongs to record i: its prediction, or an error that is about record i."""
    if run.unsplit:
        return
    failed = {error["record"] for error in run.errors}
    omitted = run.scenario.on_error == "omit"
    shown = [each for each in run.records if not (omitted and each.index in failed)]
    if len(shown) != len(run.lines):
        yield f"{len(run.lines)} lines for {len(shown)} records"
        return
    for record, line in zip(shown, run.lines, strict=True):
        if record.index in failed:
            if not _is_error_of(record, line):
                yield f"line {line} is no error of record {record.index}"
        elif line != record.expected:
            yield f"record {record.index} became {line}, not {record.expected}"


def _is_error_of(record: Record, line: Line) -> bool:
    return '"error":' in line[-1] and f'"record":{record.index}' in line[-1]


def errors_are_in_order_and_quote_their_records(run: Run) -> Iterator[str]:
    numbers = [error["record"] for error in run.errors]
    if numbers != sorted(set(numbers)):
        yield f"errors are about records {numbers}"
    for error in run.errors:
        record = run.records[error["record"]]
        place = run.scenario.body[error["start"] : error["end"]]
        if place.rstrip(b"\r\n") != record.raw.rstrip(b"\r\n"):
            yield f"the error of record {record.index} points to {place!r}, not {record.raw!r}"


def records_fail_for_a_reason(run: Run) -> Iterator[str]:
    errors = {error["record"]: error for error in run.errors}
    for record in run.records:
        error = errors.get(record.index)
        if run.unsplit:
            return
        if error is None and (record.refused or record.nature == "huge"):
            yield f"record {record.index} has a prediction, and should have been refused"
        elif error and not _justified(run, record, error):
            yield f"record {record.index} was given up for no reason: {error}"


def _justified(run: Run, record: Record, error: dict[str, Any]) -> bool:
    """A record of no name can't be told in a request: it is taken at its word.

    Of a failure that nobody was told of, the status is not known, only that it was one.
    """
    code, stop = error["error"], run.job.stop
    if stop and code == stop.code:
        return True
    if record.refused or record.number is None or code == "DeadlineExceeded":
        return code != "DeadlineExceeded" or record.refused or run.scenario.hurried
    if code == "RecordTooLarge":
        return record.nature == "huge"
    verdicts = [call.verdict for call in run.world.endpoint.calls if record.number in call.names]
    for verdict, its_code in REFUSALS.items():
        known = code == its_code or (code == "InferenceFailed" and run.world.suffered.lost)
        if known and verdict in verdicts and _spoils(record):
            return True
    suffered = run.world.suffered
    failed = verdicts.count("failed") + suffered.failures + suffered.lost
    # Of a busy answer whose notification is lost or late, the sweep knows only that it is none.
    failed += verdicts.count("busy") * (suffered.lost + suffered.kills > 0)
    return failed >= run.scenario.maximum_attempts


def _spoils(record: Record) -> bool:
    return record.nature in ("bad", "short", "crash")


def outcomes_stand(run: Run) -> Iterator[str]:
    """The first outcome of a chunk is its only one."""
    for path, outcomes in run.world.outcomes.items():
        if len(outcomes) > 1:
            yield f"chunk {path} was settled {len(outcomes)} times: {outcomes}"


def invocations_have_causes(run: Run) -> Iterator[str]:
    """At most: one a chunk, one for each that failed, was lost or was throttled (a duplicate of its
    message may get through first), two for each busy answer (its notification may come twice) and
    for each that was bisected, and one for each fault or race."""
    calls, suffered = run.world.endpoint.calls, run.world.suffered
    invoked = attempts_of(run)
    verdicts = [call.verdict for call in calls]
    failed = verdicts.count("failed") + 2 * verdicts.count("busy") + suffered.lost
    halved = {"failed", *REFUSALS}
    refused = sum(call.verdict in halved and call.owed > 1 for call in calls)
    failed += verdicts.count("crashed")
    chunks = run.job.totals.chunks if run.job.totals else 0
    bound = chunks + failed + 2 * refused
    bound += run.world.endpoint.throttled + suffered.repeated_invocations
    if invoked > bound:
        yield f"{invoked} invocations, at most {bound} have a cause"


def transform_jobs_are_in_order(run: Run) -> Iterator[str]:
    yield from transform_jobs_are_on_record(run.world)
    yield from an_attempt_is_in_one_transform_job(run.world)
    yield from the_manifest_lists_the_transform_jobs(run.world, run.job_id, run.manifest)


def the_endpoint_is_not_flooded(run: Run) -> Iterator[str]:
    """A job alone has no more chunks in flight than it may, and gives every permit back."""
    faults, suffered = run.scenario.faults, run.world.suffered
    held = run.world.admissions.held("demo")
    if held > 0 and not faults.interleave:
        yield f"{held} permits are out, and no job is left"
    if suffered.all or suffered.lost or faults.interleave or faults.duplicate:
        return
    lanes = ceil(run.scenario.permits / run.scenario.knobs["PERMITS_PER_LANE"])
    most = lanes * ceil(1.5 * run.scenario.permits / lanes)  # half of them for another attempt
    if run.world.most_flying > most:
        yield f"{run.world.most_flying} chunks were in flight, {most} may be"


def isolation_is_cheap(run: Run) -> Iterator[str]:
    """k bad records of chunks of m cost at most 2 k ceil(log2 m) + k more, if nothing repeats.

    Beside them: two halves for each chunk that used up its attempts, and one for each throttle, as
    a duplicate of its message may get through first.
    """
    suffered, moods = run.world.suffered, run.scenario.moods
    if suffered.repeated_invocations or suffered.lost or (moods.busy and run.doubled):
        return
    calls = run.world.endpoint.calls
    failed = sum(call.verdict in ("failed", "crashed") for call in calls)
    lasting = [call for call in calls if call.verdict not in ("failed", "crashed", "busy")]
    bad = sum(record.nature in ("bad", "short") for record in run.records)
    chunks = run.job.totals.chunks if run.job.totals else 0
    extra = 2 * bad * ceil(log2(run.scenario.max_records)) + bad
    extra += 2 * failed + run.world.endpoint.throttled * (run.doubled or suffered.all > 0)
    count = len({call.inference_id for call in lasting}) if run.several_models else len(lasting)
    if count > chunks + extra:
        yield f"{count} invocations for {chunks} chunks with {bad} bad records"


def exactly_the_right_objects_are_delivered(run: Run) -> Iterator[str]:
    key, found = run.scenario.key, run.world.objects.keys("output")
    expected = {f"{key}.manifest.json"}
    if not run.unsplit:
        expected |= {f"{key}.out"} | ({f"{key}.errors.jsonl"} if run.errors else set())
    if set(found) != expected:
        yield f"delivered: {found}"
    for stored in run.manifest["outputs"].values():
        if len(run.world.objects.body(stored["bucket"], stored["key"])) != stored["size"]:
            yield f"{stored['key']} is not the object of the manifest"


def status_follows_from_the_counts(run: Run) -> Iterator[str]:
    expected = _expected_status(run)
    if not expected == run.job.status == run.manifest["status"]:
        yield f"{run.job.status}, manifest {run.manifest['status']}, expected {expected}"


def _expected_status(run: Run) -> str:
    failed, cut_off = len(run.errors), len(run.errors) - len(run.judged)
    stop = run.job.stop
    if run.unsplit and stop is None:
        return "FAILED"
    if stop and (run.unsplit or cut_off or stop.status == "FAILED"):
        return stop.status
    if cut_off:
        return "EXPIRED"
    if not failed:
        return "SUCCEEDED"
    beyond = 100 * failed > run.scenario.tolerated * len(run.records)
    lost = failed == len(run.records)
    return "FAILED" if lost or beyond or run.scenario.on_error == "fail" else "PARTIAL"


def jobs_stop_for_a_reason(run: Run) -> Iterator[str]:
    stop, failed = run.job.stop, len(run.judged)
    if stop is None or stop.code == "Cancelled":
        return
    if "tolerated" in stop.message:
        if 100 * failed <= run.scenario.tolerated * len(run.records):
            yield f"{failed} of {len(run.records)} records failed, and the job was stopped for it"
    elif failed < run.scenario.knobs["SAMPLE"]:
        yield f"the job was stopped after {failed} records had failed: {stop.message}"


def a_stopped_job_sends_nothing_more(run: Run) -> Iterator[str]:
    if run.world.sent_after_stop:
        yield f"sent after the job was stopped: {run.world.sent_after_stop}"


def a_hopeless_model_is_found_out(run: Run) -> Iterator[str]:
    """One try of each chunk, another for those that were held, and a sample of single records.

    Beside them: what faults and throttles excuse.
    """
    moods, suffered = run.scenario.moods, run.world.suffered
    if (
        moods.failing
        or moods.busy
        or any(record.nature != "bad" and not record.refused for record in run.records)
    ):
        return
    calls = attempts_of(run)
    chunks = run.job.totals.chunks if run.job.totals else 0
    sample = run.scenario.knobs["SAMPLE"] + 2 * run.scenario.max_records
    excused = 10 * (suffered.repeated_invocations + suffered.lost) + run.world.endpoint.throttled
    if calls > 2 * chunks + 4 * sample + excused:
        yield f"{calls} invocations of a model that refuses all records in {chunks} chunks"


def the_end_is_announced(run: Run) -> Iterator[str]:
    """At least once, always with the same words, and not before the manifest is there."""
    announced = {(json.dumps(said), good) for said, good in run.world.announcer.jobs}
    if len(announced) != 1:
        yield f"announced: {announced}"
    elif next(iter(announced))[1] != run.job.status.successful:
        yield f"a {run.job.status} job was announced as the opposite"
    if run.world.announced_early:
        yield "the job was announced before its manifest was there"


CHECKS = (
    nothing_is_left,
    records_are_conserved,
    lines_are_in_order,
    errors_are_in_order_and_quote_their_records,
    records_fail_for_a_reason,
    outcomes_stand,
    invocations_have_causes,
    transform_jobs_are_in_order,
    the_endpoint_is_not_flooded,
    isolation_is_cheap,
    exactly_the_right_objects_are_delivered,
    status_follows_from_the_counts,
    jobs_stop_for_a_reason,
    a_stopped_job_sends_nothing_more,
    a_hopeless_model_is_found_out,
    the_end_is_announced,
)
