"""JobTable: the fake and DynamoDB answer alike."""

from dataclasses import replace

import pytest

from penstock.adapters import items
from penstock.adapters.dynamodb import DynamoDbTable
from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.fan_in import FAN_OUT, Step
from penstock.domain.identity import ChunkPath, InferenceId
from penstock.domain.invoke import Invoke
from penstock.domain.job import Failure, Job, JobStatus, Redrive, Source, Stop, Totals
from penstock.domain.pipeline import Input, Output, Pipeline
from penstock.domain.retry import RetryPolicy
from penstock.domain.segment_result import SegmentResult
from penstock.domain.splitting import ByteRange, Passage, RegionSummary, State
from penstock.domain.splitting.model import Fill
from penstock.domain.transform_job import Report, Stage, Status, TransformJob
from penstock.domain.trouble import GiveUp
from penstock.ports import JobTable
from penstock.use_cases.after_failure import error_outcome
from tests.contract.adapters.conftest import NOW
from tests.moto_stack import client

JOB_ID = "0123456789abcdef0123"
PATH = ChunkPath(3, 17)
JOB = Job(
    job_id=JOB_ID,
    source=Source("input", 'in/ü "x".csv', 5 * 1024**4, "abc", "v1"),
    pipeline=Pipeline(
        invoke=Invoke("churn", accept="text/csv"),
        source="in/_pipeline.yaml",
        input=Input("csv", "send", ";"),
        output=Output("omit", "a[*].b", "input"),
        retry=RetryPolicy(0.5, 1.5, 60.25, 3, ("ModelError", "X")),
        tolerated_failure_percentage=0.5,
    ),
    region_bytes=1024,
    created_at=1_800_000_000.123456,
    status=JobStatus.SPLITTING,
)
MESSAGE = ChunkMessage(JOB_ID, 3, 17, start=5, end=99, records=7, first_record=1234, chunks=200)
OUTCOME = Outcome("predictions", 2, 1_800_000_001.5, "s3://work/x.out", "text/csv")
SUMMARY = RegionSummary(
    ByteRange(0, 9),
    (
        Passage(
            entries=(State.START, State.PLAIN),
            exit=State.QUOTED,
            boundaries=ByteRange(2, 7),
            head=Fill.CONTENT,
            tail=Fill.EMPTY,
            records=2,
            chunks=1,
            leading_records=2,
            first_record=None,
        ),
    ),
)


def test_a_job_is_created_once(table: JobTable) -> None:
    assert table.create_job(JOB)
    assert not table.create_job(replace(JOB, region_bytes=7))
    assert table.get_job(JOB_ID) == JOB


def test_a_job_that_failed_at_once_keeps_its_reason(table: JobTable) -> None:
    job = replace(JOB, failure=Failure("InvalidPipeline", "line 3: nö"))

    table.create_job(job)

    assert table.get_job(JOB_ID) == job


def test_a_job_that_does_not_exist_is_none(table: JobTable) -> None:
    assert table.get_job(JOB_ID) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": JobStatus.RUNNING, "totals": Totals(10**9, 10**6, 4000, (3, 20))},
        {"totals": Totals(0, 0, 0), "split_at": 1_800_000_000.5},
        {"failure": Failure("UnbalancedQuote", "record 3")},
        {"status": JobStatus.PARTIAL, "finished_at": 1_800_000_009.25, "summary": {"a": [1.5]}},
        {"notified": True},
    ],
)
def test_fields_of_a_job_are_updated(table: JobTable, fields: dict) -> None:
    table.create_job(JOB)

    assert table.update_job(JOB_ID, frozenset(), **fields)

    assert table.get_job(JOB_ID) == replace(JOB, **fields)


CANCEL = Stop(JobStatus.CANCELLED, "Cancelled", "the job was cancelled", 1_800_000_100.25)


def test_a_job_is_stopped_once(table: JobTable) -> None:
    table.create_job(JOB)
    table.put_off_sweep(JOB_ID, CANCEL.at + 1000, sweep_from=0)

    assert table.stop_job(JOB_ID, CANCEL)
    assert not table.stop_job(JOB_ID, replace(CANCEL, code="Later"))

    assert table.get_job(JOB_ID) == replace(JOB, stop=CANCEL)
    assert table.jobs_to_sweep(CANCEL.at, 9) == [JOB_ID]


def test_a_job_that_was_stopped_is_swept_before_all_others_by_whatever_clock(
    table: JobTable,
) -> None:
    table.create_job(replace(JOB, job_id="e" * 20))
    table.create_job(JOB)

    table.stop_job(JOB_ID, replace(CANCEL, at=JOB.created_at + 86400))

    assert table.jobs_to_sweep(JOB.created_at, 9) == [JOB_ID, "e" * 20]


def test_a_job_that_has_ended_is_not_stopped(table: JobTable) -> None:
    table.create_job(JOB)
    table.update_job(JOB_ID, frozenset(), status=JobStatus.PARTIAL)

    assert not table.stop_job(JOB_ID, CANCEL)
    assert not table.stop_job("f" * 20, CANCEL)


def test_what_a_redrive_merges_into_is_kept(table: JobTable) -> None:
    objects = [Source("output", f"x{n}", n, f"etag{n}", None if n == 2 else "v") for n in range(4)]
    source, manifest, predictions, errors = objects
    redrive = Redrive(
        "f00d", source, manifest, predictions, errors, records=7, failed=3, header=(0, 12)
    )
    job = replace(JOB, redrive=redrive)

    table.create_job(job)

    assert table.get_job(JOB_ID) == job


def test_a_name_is_claimed_by_one_job(table: JobTable) -> None:
    assert table.claim("x", "first", None) == "first"
    assert table.claim("x", "first", None) == "first"
    assert table.claim("x", "second", None) == "first"
    assert table.claim("x", "second", "nobody") == "first"
    assert table.claim("x", "second", "first") == "second"
    assert table.claim("x", "first", None) == "second"
    assert table.claim("y", "first", None) == "first"


def test_a_job_has_one_probe(table: JobTable) -> None:
    table.create_job(JOB)
    first, second = ChunkPath(0, 1), ChunkPath(0, 2)

    assert table.claim_probe(JOB_ID, first, None)
    assert table.claim_probe(JOB_ID, first, None)
    assert not table.claim_probe(JOB_ID, second, None)
    assert table.claim_probe(JOB_ID, second, str(first))
    assert not table.claim_probe(JOB_ID, first, str(ChunkPath(0, 7)))
    assert not table.claim_probe("f" * 20, first, None)

    assert table.get_job(JOB_ID) == replace(JOB, probe=str(second))


def test_counters_count_by_name(table: JobTable) -> None:
    counted = [table.count(JOB_ID, name, number) for name, number in [("a", 2), ("b", 5), ("a", 3)]]

    assert counted == [2, 5, 5]


def test_a_field_that_is_none_is_left_as_it_is(table: JobTable) -> None:
    job = replace(JOB, failure=Failure("A", "b"))
    table.create_job(job)

    table.update_job(JOB_ID, frozenset(), failure=None, notified=True)

    assert table.get_job(JOB_ID) == replace(job, notified=True)


def test_a_job_in_a_status_that_is_excluded_is_not_updated(table: JobTable) -> None:
    table.create_job(JOB)
    ended = frozenset({JobStatus.FAILED, JobStatus.SPLITTING})

    assert not table.update_job(JOB_ID, ended, status=JobStatus.RUNNING)
    assert table.update_job(JOB_ID, frozenset({JobStatus.FAILED}), status=JobStatus.RUNNING)
    assert table.get_job(JOB_ID) == replace(JOB, status=JobStatus.RUNNING)


def test_a_job_that_does_not_exist_is_not_made_by_an_update(table: JobTable) -> None:
    assert not table.update_job(JOB_ID, frozenset(), status=JobStatus.RUNNING)
    assert table.get_job(JOB_ID) is None


def test_regions_come_back_in_order(table: JobTable) -> None:
    count = FAN_OUT + 2
    for number in (257, *range(256), 256):
        region = ByteRange(number, number + 1)
        table.put_region(JOB_ID, number, replace(SUMMARY, region=region))

    found = table.get_regions(JOB_ID, count)

    assert [summary.region.start for summary in found] == list(range(count))
    assert found[0].passages == SUMMARY.passages
    assert table.get_regions("another job", count) == []


def test_marks_are_counted_once_each(table: JobTable) -> None:
    def mark(child: int, kind: str = "regions", node: int = 0, level: int = 0) -> int:
        return table.mark_done(JOB_ID, kind, Step(level, node, child, 3))

    assert [mark(0), mark(2), mark(0), mark(1), mark(1)] == [1, 2, 2, 3, 3]
    assert mark(0, kind="segments") == mark(0, node=1) == mark(0, level=1) == 1


def test_the_children_of_a_node_are_told(table: JobTable) -> None:
    assert table.children_done(JOB_ID, "halves") == frozenset()

    table.mark_done(JOB_ID, "halves", Step(0, 0, 1, 2))

    assert table.children_done(JOB_ID, "halves") == {1}


def test_the_latest_hold_is_kept_until_the_next_attempt(table: JobTable) -> None:
    table.note_hold(JOB_ID, PATH, 4)
    table.note_hold(JOB_ID, PATH, 3)
    assert table.get_chunk(JOB_ID, PATH) == ChunkState(PATH, holds=4)

    table.record_attempt(JOB_ID, invoked())

    assert table.get_chunk(JOB_ID, PATH) == invoked()


def test_a_chunk_that_does_not_exist_is_none(table: JobTable) -> None:
    assert table.get_chunk(JOB_ID, PATH) is None


def invoked(attempt: int = 1, rejected: int = 2) -> ChunkState:
    return ChunkState(
        path=PATH,
        message=replace(MESSAGE, attempt=attempt),
        rejected=rejected,
        inference_id=str(InferenceId(JOB_ID, PATH, attempt, 5, 200)),
        output_location=f"s3://work/async/output/{attempt}.out",
        failure_location=f"s3://work/async/failure/{attempt}.out",
        invoked_at=1_800_000_000.75 + attempt,
    )


@pytest.mark.parametrize("state", [invoked(), ChunkState(PATH, MESSAGE), ChunkState(PATH)])
def test_an_attempt_is_kept_as_it_is(table: JobTable, state: ChunkState) -> None:
    table.record_attempt(JOB_ID, state)

    assert table.get_chunk(JOB_ID, PATH) == state


def test_a_later_attempt_takes_the_place_of_an_earlier_one(table: JobTable) -> None:
    table.record_attempt(JOB_ID, invoked(1))
    later = ChunkState(PATH, replace(MESSAGE, attempt=2))

    table.record_attempt(JOB_ID, later)

    assert table.get_chunk(JOB_ID, PATH) == later


def test_an_earlier_attempt_that_comes_late_is_not_recorded(table: JobTable) -> None:
    table.record_attempt(JOB_ID, invoked(2))

    table.record_attempt(JOB_ID, invoked(1))

    assert table.get_chunk(JOB_ID, PATH) == invoked(2)


def test_the_first_outcome_stays(table: JobTable) -> None:
    table.record_attempt(JOB_ID, invoked())

    assert table.settle(JOB_ID, PATH, OUTCOME)
    assert not table.settle(JOB_ID, PATH, Outcome("errors", 3, 9.0, code="A", message="b"))

    assert table.get_chunk(JOB_ID, PATH) == replace(invoked(), outcome=OUTCOME)


def test_a_chunk_is_settled_by_being_bisected(table: JobTable) -> None:
    outcome = Outcome("bisected", 3, 1_800_000_001.5, code="ModelError", middle=50, suspect=True)
    table.record_attempt(JOB_ID, invoked())

    assert table.settle(JOB_ID, PATH, replace(outcome, held=1_800_000_000.25))

    found = table.get_chunk(JOB_ID, PATH)
    assert found == replace(invoked(), outcome=replace(outcome, held=1_800_000_000.25))


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("predictions", 0, 0.0),
        Outcome("errors", 0, 9.0, code="Cancelled", message="", unfinished=True),
        Outcome("bisected", 1, 9.0, middle=0, held=0.0),
    ],
    ids=["all refused here", "never sent", "held since ever"],
)
def test_an_outcome_of_noughts_comes_back_as_it_was(table: JobTable, outcome: Outcome) -> None:
    table.record_attempt(JOB_ID, invoked())

    assert table.settle(JOB_ID, PATH, outcome)

    assert table.get_chunk(JOB_ID, PATH) == replace(invoked(), outcome=outcome)


def test_an_outcome_may_come_before_its_attempt_is_recorded(table: JobTable) -> None:
    table.settle(JOB_ID, PATH, OUTCOME)
    assert table.get_chunk(JOB_ID, PATH) == ChunkState(PATH, outcome=OUTCOME)

    table.record_attempt(JOB_ID, invoked())

    assert table.get_chunk(JOB_ID, PATH) == replace(invoked(), outcome=OUTCOME)


def test_chunks_of_a_segment_come_back_in_path_order(table: JobTable) -> None:
    paths = [ChunkPath(3, 2), ChunkPath(3, 10), ChunkPath(3, 2, "1"), ChunkPath(3, 2, "01")]
    for path in [*paths, ChunkPath(4, 0), ChunkPath(2, 9)]:
        table.record_attempt(JOB_ID, ChunkState(path, MESSAGE))

    found = [state.path for state in table.get_segment(JOB_ID, 3)]

    assert found == sorted(paths)
    assert [str(path) for path in found] == sorted(map(str, paths))


def result(segment: int) -> SegmentResult:
    return SegmentResult(segment, 5, 1, 0, 7, 2, 1, 10**12, 10)


def test_results_of_segments_come_back_in_order(table: JobTable) -> None:
    for segment in (300, *range(300)):
        table.put_segment_result(JOB_ID, result(segment))

    assert table.get_segment_result(JOB_ID, 299) == result(299)
    assert table.get_segment_result(JOB_ID, 301) is None
    assert table.get_segment_results(JOB_ID, 301) == [result(each) for each in range(301)]


def test_results_of_one_node_are_those_of_its_256_segments(table: JobTable) -> None:
    for segment in range(250, 600):
        table.put_segment_result(JOB_ID, result(segment))

    found = table.get_segment_results_of(JOB_ID, 1)

    assert found == [result(each) for each in range(256, 512)]


# What only the adapter has: sizes, expiry, the index, errors.


def size_of(item: items.Item) -> int:
    """Bytes as DynamoDB counts them (Developer Guide, "DynamoDB item sizes and formats")."""
    return sum(len(name) + _value_size(value) for name, value in item.items())


def _value_size(value: dict) -> int:
    ((kind, held),) = value.items()
    if kind == "NS":
        return 3 + sum(_number_size(number) for number in held)
    return _number_size(held) if kind == "N" else len(held.encode())


def _number_size(number: str) -> int:
    digits = number.replace(".", "").replace("-", "").strip("0")
    return -(-len(digits) // 2) + 1 + number.startswith("-")


def stored(table: DynamoDbTable, key: items.Item) -> items.Item:
    return client("dynamodb").get_item(TableName=table.name, Key=key)["Item"]


LONGEST_BUCKET = "b" * 63
LONGEST_LOCATION = f"s3://{LONGEST_BUCKET}/async/failure/{'0' * 8}-0000-0000-0000-{'0' * 12}.out"
LAST_PATH = ChunkPath(99_999, 255)
LARGEST_MESSAGE = ChunkMessage(
    JOB_ID,
    segment=99_999,
    chunk=255,
    start=5 * 1024**4 - 1,
    end=5 * 1024**4,
    records=10_000,
    first_record=2 * 1024**4,
    chunks=256,
    attempt=100,
    pauses=20_000,
    hops=20_000,
)


LARGEST_STATE = ChunkState(
    path=LAST_PATH,
    message=LARGEST_MESSAGE,
    rejected=10_000,
    inference_id=str(InferenceId(JOB_ID, LAST_PATH, 100, 10_000, 256)),
    output_location=LONGEST_LOCATION,
    failure_location=LONGEST_LOCATION,
    invoked_at=1_800_000_000.123456,
)
SETTLED_AT = 1_800_000_000.123456


def size_of_largest(table: DynamoDbTable, outcome: Outcome) -> int:
    table.record_attempt(JOB_ID, LARGEST_STATE)
    table.settle(JOB_ID, LAST_PATH, outcome)
    return size_of(stored(table, items.chunk_key(JOB_ID, LAST_PATH)))


def test_the_largest_chunk_that_is_predicted_costs_one_write_unit(
    dynamodb_table: DynamoDbTable,
) -> None:
    kind = "application/jsonlines; charset=utf-8"
    outcome = Outcome("predictions", 100, SETTLED_AT, LONGEST_LOCATION, kind)

    assert 800 < size_of_largest(dynamodb_table, outcome) <= 1024


@pytest.mark.parametrize("words", ["no prediction ", "🙈", '"\\', "\x00", "é", "\ud800"])
def test_the_largest_chunk_that_failed_costs_two_write_units(
    dynamodb_table: DynamoDbTable, words: str
) -> None:
    reason = GiveUp("InternalDependencyException", words * 1000)
    outcome = error_outcome(reason, 100, SETTLED_AT)

    assert 1024 < size_of_largest(dynamodb_table, outcome) <= 2048


def test_a_done_set_costs_one_write_unit_when_all_its_children_are_in(
    dynamodb_table: DynamoDbTable,
) -> None:
    kind = "chunks.99999"
    for child in range(FAN_OUT):
        dynamodb_table.mark_done(JOB_ID, kind, Step(2, 390, child, FAN_OUT))

    item = stored(dynamodb_table, items.done_key(JOB_ID, kind, 2, 390))

    assert 600 < size_of(item) <= 1024


def test_items_expire(dynamodb_table: DynamoDbTable) -> None:
    dynamodb_table.create_job(JOB)
    dynamodb_table.put_region(JOB_ID, 0, SUMMARY)
    dynamodb_table.mark_done(JOB_ID, "regions", Step(0, 0, 0, 1))
    dynamodb_table.settle(JOB_ID, PATH, OUTCOME)
    dynamodb_table.record_attempt(JOB_ID, ChunkState(ChunkPath(3, 18), MESSAGE))
    dynamodb_table.put_segment_result(JOB_ID, result(0))

    written = client("dynamodb").scan(TableName=dynamodb_table.name)["Items"]

    assert len(written) == 6
    assert {item["expires_at"]["N"] for item in written} == {"1800003600"}


def test_a_write_that_fails_is_not_taken_for_a_condition_that_does(stack) -> None:
    missing = DynamoDbTable(client("dynamodb"), "no-such-table", lambda: NOW, 3600)

    with pytest.raises(PermanentError, match="ResourceNotFoundException"):
        missing.create_job(JOB)


def test_jobs_and_nothing_else_are_listed_by_time(dynamodb_table: DynamoDbTable) -> None:
    dynamodb_table.create_job(JOB)
    dynamodb_table.create_job(replace(JOB, job_id="f" * 20, created_at=JOB.created_at - 1))
    dynamodb_table.settle(JOB_ID, PATH, OUTCOME)

    listed = client("dynamodb").query(
        TableName=dynamodb_table.name,
        IndexName="listing",
        KeyConditionExpression="listing = :jobs",
        ExpressionAttributeValues={":jobs": {"S": "JOBS"}},
    )["Items"]

    assert [item["job_id"]["S"] for item in listed] == ["f" * 20, JOB_ID]


def test_more_chunks_than_one_page_holds_come_back(dynamodb_table: DynamoDbTable) -> None:
    wide = replace(OUTCOME, message="x" * 5000)
    for chunk in range(FAN_OUT):
        dynamodb_table.settle(JOB_ID, ChunkPath(0, chunk), wide)

    assert len(dynamodb_table.get_segment(JOB_ID, 0)) == FAN_OUT


def test_a_job_is_due_for_a_sweep_from_its_creation_to_its_end(table: JobTable) -> None:
    table.create_job(JOB)

    assert table.jobs_to_sweep(JOB.created_at - 1, 10) == []
    assert table.jobs_to_sweep(JOB.created_at, 10) == [JOB_ID]

    table.update_job(JOB_ID, frozenset(), status=JobStatus.RUNNING)
    assert table.jobs_to_sweep(NOW + 9, 10) == [JOB_ID]

    table.update_job(JOB_ID, frozenset(), status=JobStatus.EXPIRED)
    assert table.jobs_to_sweep(NOW + 9, 10) == []


def test_a_sweep_is_put_off_and_remembers_where_it_stopped(table: JobTable) -> None:
    table.create_job(JOB)

    table.put_off_sweep(JOB_ID, NOW + 60.5, 77)

    assert table.jobs_to_sweep(NOW + 60, 10) == []
    assert table.jobs_to_sweep(NOW + 61, 10) == [JOB_ID]
    assert table.get_job(JOB_ID) == replace(JOB, sweep_from=77)


def test_a_job_that_has_ended_is_not_swept_again_by_putting_off(table: JobTable) -> None:
    table.create_job(JOB)
    table.update_job(JOB_ID, frozenset(), status=JobStatus.FAILED)

    table.put_off_sweep(JOB_ID, NOW, 0)
    table.put_off_sweep("unknown", NOW, 0)

    assert table.jobs_to_sweep(NOW + 9, 10) == []


def test_the_jobs_that_have_been_due_longest_come_first(table: JobTable) -> None:
    for number in (3, 1, 2):
        table.create_job(replace(JOB, job_id=f"{number:020d}", created_at=NOW + number))

    assert table.jobs_to_sweep(NOW + 9, 2) == [f"{1:020d}", f"{2:020d}"]


TRANSFORM = TransformJob(JOB_ID, 1, 2, chunks=3, instances=4, manifest="m.json", at=5.25, only="x")


def test_transform_jobs_are_listed_by_group_and_number(table: JobTable) -> None:
    places = [(1, 10), (0, 1), (1, 9), (0, 0)]
    for group, number in places:
        assert table.put_transform(replace(TRANSFORM, group=group, number=number))

    found = [(each.group, each.number) for each in table.get_transforms(JOB_ID)]
    assert found == sorted(places)
    assert table.get_transforms("f" * 20) == []


def test_a_transform_job_that_there_is_no_room_for_is_noted_as_often(table: JobTable) -> None:
    once = TRANSFORM.no_room(7.5)
    twice = once.no_room(9.5)
    assert table.put_transform(TRANSFORM)

    assert table.put_transform(once)
    assert table.put_transform(twice)

    assert not table.put_transform(once)
    assert not table.put_transform(replace(twice, retry_at=99.5))
    assert table.get_transforms(JOB_ID) == [twice]
    assert table.put_transform(TRANSFORM.reached(Stage.RUNNING, 10.0))


def test_a_transform_job_never_goes_back(table: JobTable) -> None:
    report = Report(Status.FAILED, "Code", "reason", 1.5, 2.5)
    ended = TRANSFORM.reached(Stage.ENDED, 9.5, report)
    assert table.put_transform(TRANSFORM)
    assert not table.put_transform(replace(TRANSFORM, manifest="other.json"))
    assert table.put_transform(ended)

    assert not table.put_transform(TRANSFORM.reached(Stage.RUNNING, 10.0))
    assert not table.put_transform(ended)
    assert table.get_transforms(JOB_ID) == [ended]
