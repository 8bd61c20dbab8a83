"""Transform jobs as values: names, members, looks, troubles, events."""

from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.gathering import APART, Look, Next, shares, what_next
from penstock.domain.identity import ChunkPath, InferenceId
from penstock.domain.transform import DataCapture, Experiment, Transform
from penstock.domain.transform_event import TransformEvent, epoch
from penstock.domain.transform_job import (
    Report,
    Stage,
    Status,
    TransformJob,
    inference_of,
    manifest_of,
    member_name,
    member_of,
    names_in,
    outputs_by_member,
    place_of,
)
from penstock.domain.transform_trouble import (
    Evidence,
    creation_trouble,
    doubted,
    missing_output,
)
from penstock.domain.trouble import Kind, Trouble

JOB_ID = "0123456789abcdef0123"
JOB = TransformJob(JOB_ID, 399, 123_456, chunks=2, instances=3, manifest="m.json", at=5.0)
INFERENCE = InferenceId(JOB_ID, ChunkPath(3, 17, "01"), 2, 995, 256)
MEMBER = "00003.0017.01-2-1-995-256"


def state_of(number: int, **fields: Any) -> ChunkState:
    inference = InferenceId(JOB_ID, ChunkPath(0, number), 1, 1, 4)
    message = ChunkMessage(JOB_ID, 0, number, number, number + 1, 1, number, 4)
    return ChunkState(ChunkPath(0, number), message, inference_id=str(inference), **fields)


def test_a_name_tells_job_group_and_number_within_sagemakers_63_characters() -> None:
    assert place_of(JOB.name) == (JOB_ID, 399, 123_456)
    assert len(JOB.name) <= 63


@pytest.mark.parametrize("name", ["", "nightly", f"penstock-{JOB_ID}-1", f"penstock-{JOB_ID}-1-1x"])
def test_the_name_of_somebody_elses_job_is_foreign(name: str) -> None:
    with pytest.raises(PermanentError) as caught:
        place_of(name)

    assert caught.value.code == "ForeignInference"


def test_the_name_of_an_object_tells_the_very_attempt() -> None:
    assert member_name(INFERENCE, pauses=1) == MEMBER
    assert inference_of(JOB_ID, MEMBER) == INFERENCE


def test_an_attempt_that_was_held_is_another_object() -> None:
    first = state_of(1)
    assert first.message
    second = replace(first, message=first.message.held_since(0.0))

    assert member_of(first) != member_of(second)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1))
def test_a_manifest_tells_its_names(names: list[str]) -> None:
    assert names_in(manifest_of("s3://work/p/", names)) == names


@pytest.mark.parametrize("between", ["", "in/", "transform/x/in/"])
def test_outputs_are_found_wherever_below_the_prefix_they_lie(between: str) -> None:
    keys = [f"out/{between}{MEMBER}.out", "out/other.txt", "elsewhere/x.out"]

    assert outputs_by_member("out/", keys) == {MEMBER: keys[0]}


def test_instances_are_billed_from_start_to_end() -> None:
    report = Report(Status.FAILED, started_at=100.0, ended_at=160.5)

    assert replace(JOB, report=report).billed_seconds == 181.5
    assert JOB.billed_seconds == 0


def test_a_transform_is_read_back_from_json() -> None:
    capture = DataCapture("s3://b/x", None, generate_inference_id=True)
    full = Transform("m", "ml.m5.large", data_capture=capture, experiment=Experiment(run="r"))

    for transform in (full, Transform("m", "ml.m5.large")):
        assert Transform.from_json(asdict(transform)) == transform


# Looks


def test_ready_are_objects_in_no_transform_job_and_chunks_may_be_pending() -> None:
    settled = state_of(0, outcome=Outcome("predictions", 1, 0.0))
    ready, flying, told = state_of(1), state_of(2), state_of(3)
    running = replace(JOB, stage=Stage.RUNNING)
    collected = replace(JOB, number=1, stage=Stage.COLLECTED)
    look = Look()

    look.note([settled, ready, flying, told], {_name(flying): running, _name(told): collected})

    assert list(look.ready) == [_name(ready)]
    assert look.told == [(told, collected)]
    assert look.pending


def _name(state: ChunkState) -> str:
    name = member_of(state)
    assert name
    return name


def test_a_chunk_that_is_not_staged_is_pending() -> None:
    look = Look()

    look.note([replace(state_of(1), inference_id=None)], {})

    assert (look.ready, look.pending) == ({}, True)


@pytest.mark.parametrize(
    ("ready", "pending", "seen", "expected"),
    [
        (0, True, None, Next.NOTHING),
        (2, False, None, Next.START),
        (2, True, None, Next.WAIT),
        (2, True, 1, Next.WAIT),
        (2, True, 2, Next.START),
    ],
)
def test_chunks_go_when_no_more_come(
    ready: int, pending: bool, seen: int | None, expected: Next
) -> None:
    message = ChunkMessage(JOB_ID, 0, 0, 0, 1, 1, 0, 4)
    look = Look(dict.fromkeys(map(str, range(ready)), message), pending)

    assert what_next(look, seen) is expected


# Troubles


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ThrottlingException", "Rate exceeded", Kind.UNAVAILABLE),
        ("ResourceLimitExceeded", "'ml.m5.large' is 4 Instances", Kind.UNAVAILABLE),
        ("ResourceLimitExceeded", "'ml.p4d.24xlarge' is 0 Instances", Kind.PERMANENT),
        ("ValidationException", 'Could not find model "m"', Kind.PERMANENT),
        ("AccessDeniedException", "not authorized", Kind.PERMANENT),
        ("InternalFailure", "", Kind.RETRYABLE),
    ],
)
def test_a_refused_creation_is_waited_for_or_given_up(code: str, message: str, kind: Kind) -> None:
    trouble = creation_trouble(code, 400, message)

    assert (trouble.kind, trouble.code, trouble.of_records) == (kind, code, False)


SEE_LOGS = ": See job logs for more information"


@pytest.mark.parametrize(
    ("status", "reason", "started", "any_output", "expected"),
    [
        ("Failed", f"ClientError{SEE_LOGS}", 1.0, True, ("permanent", "ModelError", True)),
        ("Failed", f"ClientError{SEE_LOGS}", 1.0, False, ("permanent", "ModelError", True)),
        ("Failed", f"AlgorithmError{SEE_LOGS}", 1.0, False, ("retryable", "ModelError", True)),
        ("Failed", "AlgorithmError: no ping", 1.0, False, ("permanent", "TransformFailed", False)),
        ("Failed", "AlgorithmError: no ping", 1.0, True, ("retryable", "ModelError", True)),
        ("Failed", "CapacityError", None, False, ("permanent", "TransformFailed", False)),
        ("Completed", None, 1.0, True, ("retryable", "OutputMissing", True)),
        ("Stopped", None, 1.0, True, ("retryable", "TransformStopped", False)),
        ("Refused", "no", None, False, ("permanent", "TransformFailed", False)),
    ],
)
def test_whose_fault_a_missing_output_is(
    status: str, reason: str | None, started: float | None, any_output: bool, expected: Any
) -> None:
    report = Report(Status(status), reason=reason, started_at=started)

    trouble = missing_output(report, any_output=any_output)

    assert (trouble.kind.value, trouble.code, trouble.of_records) == expected


@pytest.mark.parametrize(
    ("missing", "recovered", "results", "attempt", "doubt"),
    [
        (1, False, 1, 1, False),  # nothing else can be meant
        (2, False, 1, 1, True),
        (2, False, 1, 2, False),  # again, and nothing has passed meanwhile
        (2, True, 1, 2, True),
        (2, True, 2, 1, False),  # it is halved
    ],
)
def test_a_record_is_in_doubt_beside_others_that_failed(
    missing: int, recovered: bool, results: int, attempt: int, doubt: bool
) -> None:
    inference = replace(INFERENCE, results=results, attempt=attempt)

    assert Evidence(missing, recovered, outputs=1).leaves_doubt(inference) is doubt


def test_the_evidence_is_what_has_an_output_and_had_none_before() -> None:
    members = {name: replace(INFERENCE, attempt=number) for number, name in enumerate("abc", 1)}

    assert Evidence.of(members, {"a"}) == Evidence(2, recovered=False, outputs=1)
    assert Evidence.of(members, {"a", "b"}) == Evidence(1, recovered=True, outputs=2)


@pytest.mark.parametrize(
    ("missing", "outputs", "attempt", "pauses", "spares"),
    [
        (1, 9, 1, 0, False),  # nothing else can have broken it down
        (2, 8, 6, 9, True),  # they are fewer than before
        (2, 0, 1, 3, True),  # they will be spread
        (2, 0, 1, 4, False),  # that was in vain
        (2, 0, 2, 0, False),
    ],
)
def test_a_job_that_broke_down_costs_no_attempt_while_something_comes_of_it(
    missing: int, outputs: int, attempt: int, pauses: int, *, spares: bool
) -> None:
    evidence = Evidence(missing, recovered=False, outputs=outputs)
    inference = replace(INFERENCE, attempt=attempt)

    assert evidence.spares(inference, pauses, predicted=True) is spares


def test_a_model_that_has_predicted_nothing_may_simply_be_broken() -> None:
    evidence = Evidence(2, recovered=False, outputs=0)

    assert not evidence.spares(replace(INFERENCE, attempt=1), 0, predicted=False)


def test_only_what_may_be_the_fault_of_records_can_be_doubted() -> None:
    refused = Trouble(Kind.PERMANENT, "ModelError", "no", of_records=True)
    hopeless = Trouble(Kind.PERMANENT, "TransformFailed", "no")

    assert doubted(refused) == replace(refused, kind=Kind.RETRYABLE)
    assert doubted(hopeless) == hopeless


def ready_of(chunks: list[tuple[int, int, int]]) -> dict[str, ChunkMessage]:
    """Of attempts, records and pauses."""
    return {
        f"{number:02}": ChunkMessage(
            JOB_ID, 0, number, 0, 9, records, number, len(chunks), attempt=attempt, pauses=pauses
        )
        for number, (attempt, records, pauses) in enumerate(chunks)
    }


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.just(0)), max_size=40),
    st.integers(1, 50),
    st.integers(0, 3),
)
def test_records_that_failed_alone_are_tried_again_apart_while_they_are_few(
    chunks: list[tuple[int, int, int]], most: int, number: int
) -> None:
    ready = ready_of(chunks)
    alone = [name for name, chunk in ready.items() if chunk.attempt > 1 and chunk.records == 1]

    found = shares(ready, most, number)

    if len(alone) <= APART:
        assert all([name] in found for name in alone)
    else:
        assert len(found) == -(-len(ready) // most)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(0, 6)), max_size=40),
    st.integers(1, 50),
    st.integers(0, 3),
)
def test_each_object_goes_into_one_transform_job(
    chunks: list[tuple[int, int, int]], most: int, number: int
) -> None:
    ready = ready_of(chunks)

    found = shares(ready, most, number)

    assert sorted(name for share in found for name in share) == sorted(ready)
    assert all(0 < len(share) <= most for share in found)


@pytest.mark.parametrize(("rounds", "jobs"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 12), (9, 12)])
def test_what_a_job_that_broke_down_has_left_is_spread(rounds: int, jobs: int) -> None:
    found = shares(ready_of([(1, 9, rounds)] * 96), 10_000, 1)

    assert [len(share) for share in found] == [96 // jobs] * jobs


def test_chunks_that_were_held_are_not_spread() -> None:
    ready = {name: replace(chunk, held=1.0) for name, chunk in ready_of([(1, 9, 3)] * 8).items()}

    assert len(shares(ready, 10_000, 1)) == 1


def test_each_further_transform_job_has_its_objects_in_another_order() -> None:
    ready = ready_of([(1, 9, 0)] * 30)

    orders = [shares(ready, 10_000, number)[0] for number in range(4)]

    assert orders[0] == sorted(ready)
    assert len({tuple(order) for order in orders}) == 4
    assert orders == [shares(ready, 10_000, number)[0] for number in range(4)]


# Events


@pytest.mark.parametrize("moment", [1_538_743_573_000, "1538743573000", "2018-10-05T12:46:13Z"])
def test_times_are_taken_as_they_are_seen(moment: Any) -> None:
    assert epoch(moment) == 1_538_743_573.0


@pytest.mark.parametrize("moment", [None, "soon", {}, []])
def test_what_is_no_time_is_none(moment: Any) -> None:
    assert epoch(moment) is None


@pytest.mark.parametrize(
    "detail",
    [
        None,
        {},
        {"TransformJobName": "x"},
        {"TransformJobName": 3, "TransformJobStatus": "Failed"},
        {"TransformJobName": "x", "TransformJobStatus": "Exploded"},
        {"TransformJobName": "x", "TransformJobStatus": "Failed", "FailureReason": []},
    ],
)
def test_an_event_that_is_none_is_a_bad_message(detail: Any) -> None:
    with pytest.raises(PermanentError) as caught:
        TransformEvent.parse({"detail": detail})

    assert caught.value.code == "BadMessage"
