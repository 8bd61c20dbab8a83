"""Settings, inputs, records, processing, rates and events of transform jobs."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_local.sagemaker.clock import Clock
from penstock_local.sagemaker.data_processing import RecordError, processing
from penstock_local.sagemaker.errors import ApiError
from penstock_local.sagemaker.rates import Rates
from penstock_local.sagemaker.resources import Model
from penstock_local.sagemaker.transform_events import event
from penstock_local.sagemaker.transform_inputs import relative
from penstock_local.sagemaker.transform_job import TransformJob, job_document
from penstock_local.sagemaker.transform_jobs import TransformJobs
from penstock_local.sagemaker.transform_records import TooLargeError, batches, lines, whole
from penstock_local.sagemaker.transform_settings import (
    container_environment,
    execution_parameters,
    settings,
)

PLAIN = {"TransformInput": {"SplitType": "Line"}}


def test_the_request_prevails_over_the_container_and_that_over_the_defaults():
    asked = {"MaxConcurrentTransforms": 4, "MaxPayloadInMB": 2, "BatchStrategy": "SingleRecord"}

    assert str(settings({}, {})) == (
        "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"
    )
    assert settings({}, asked).max_concurrent == 4
    assert settings({"MaxConcurrentTransforms": 0}, asked).max_concurrent == 4
    chosen = settings({"MaxPayloadInMB": 0, "BatchStrategy": "MultiRecord"}, asked)
    assert (chosen.maximum_bytes, chosen.single_record) == (None, False)
    assert settings({"MaxPayloadInMB": 1}, {}).maximum_bytes == 1024 * 1024


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            b'{"MaxConcurrentTransforms": 8, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}',
            {"MaxConcurrentTransforms": 8, "BatchStrategy": "MultiRecord", "MaxPayloadInMB": 6},
        ),
        (b'{"MaxPayloadInMB": "6", "BatchStrategy": "ALL"}', {}),
        (b'{"MaxConcurrentTransforms": true}', {}),
        (b"[]", {}),
        (b"nothing", {}),
    ],
)
def test_what_the_container_can_not_mean_is_left_out(body: bytes, found: dict[str, Any]):
    assert execution_parameters(body) == found


def test_too_much_at_a_time_is_noticed():
    assert settings({"MaxConcurrentTransforms": 17}, {}).is_too_much
    assert not settings({"MaxConcurrentTransforms": 16}, {}).is_too_much


def test_the_environment_says_what_the_user_has_set():
    assert container_environment({}) == {"SAGEMAKER_BATCH": "true"}
    assert container_environment({"BatchStrategy": "MultiRecord", "MaxPayloadInMB": 0}) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0",
    }


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("in/", "in/a/b.csv", "a/b.csv"),
        ("in", "in/a.csv", "a.csv"),
        ("in/a.csv", "in/a.csv", "a.csv"),
        ("in/a", "in/a.csv", "a.csv"),
        ("in/a", "in/abc/d.csv", "abc/d.csv"),
        ("", "a/b", "a/b"),
        ("a", "abc", "abc"),
    ],
)
def test_an_output_is_named_as_its_input_is_seen_from_the_prefix(prefix: str, key: str, name: str):
    assert relative(prefix, key) == name


@given(st.lists(st.binary(max_size=20), max_size=30), st.integers(1, 25), st.booleans())
def test_batches_lose_nothing_and_fit(parts: list[bytes], limit: int, single: bool):
    content = b"\n".join(part.replace(b"\n", b"") for part in parts)
    wanted = processing(PLAIN)
    records = list(lines(io.BytesIO(content), None))
    if any(len(record) > limit for record in records):
        with pytest.raises(TooLargeError):
            list(batches(lines(io.BytesIO(content), limit), wanted, limit, single=single))
        return

    found = list(batches(lines(io.BytesIO(content), limit), wanted, limit, single=single))

    assert b"".join(batch.payload for batch in found) == content
    assert all(len(batch.payload) <= limit for batch in found)
    assert [record for batch in found for record in batch.records] == records
    if single:
        assert len(found) == len(records)


def test_an_object_that_is_not_split_must_fit():
    assert list(whole(io.BytesIO(b"abc"), 3)) == [b"abc"]
    with pytest.raises(TooLargeError, match="is not split into records"):
        list(whole(io.BytesIO(b"abcd"), 3))


def of(content_type: str, split: str = "Line", **given_: str) -> Any:
    source = {"ContentType": content_type, "SplitType": split}
    return processing({"TransformInput": source, "DataProcessing": given_})


def test_without_filters_and_join_nothing_is_touched():
    wanted = of("text/csv")

    assert wanted.payload(b'1,"a"\r\n') == b'1,"a"\r\n'
    assert wanted.output((b"1\n", b"2\n"), b"whatever") == b"whatever"


def test_rows_are_quoted_again_where_they_must_be():
    assert of("text/csv; charset=utf-8", InputFilter="$[1:]").payload(b'1,"a,b",c\r\n') == (
        b'"a,b",c\n'
    )


def test_one_column_is_a_row_of_one():
    assert of("text/csv", InputFilter="$[1]").payload(b"1,2\n") == b"2\n"


@pytest.mark.parametrize(
    ("wanted", "record", "answer", "message"),
    [
        (of("text/csv", JoinSource="Input"), b'1,"a\n', b"x\n", "is no text/csv"),
        (of("application/json", JoinSource="Input"), b"{}\n", b"{\n", "is no application/json"),
        (of("application/jsonlines", JoinSource="Input"), b"{}\n", b"", "1 records with 0"),
        (of("application/jsonlines", OutputFilter="$.a"), b"{}\n", b"{}\n", "no attribute 'a'"),
    ],
)
def test_what_can_not_be_joined_says_why(wanted: Any, record: bytes, answer: bytes, message: str):
    with pytest.raises(RecordError, match=message):
        wanted.output((record,), answer)


def test_a_rate_is_kept_over_any_second_and_a_refused_call_does_not_count():
    now = [100.0]
    rates = Rates(Clock(lambda: now[0]))
    rates.check("Create", 1)

    for moment in (100.0, 100.9):
        now[0] = moment
        with pytest.raises(ApiError, match="ThrottlingException"):
            rates.check("Create", 1)
    rates.check("Describe", 1)
    now[0] = 101.0
    rates.check("Create", 1)


REQUEST = {
    "TransformJobName": "j",
    "ModelName": "m",
    "TransformInput": {"DataSource": {}},
    "TransformOutput": {"S3OutputPath": "s3://b/o"},
    "TransformResources": {"InstanceCount": 1},
    "Tags": [{"Key": "k", "Value": "v"}],
}
JOB = TransformJob("j", REQUEST, Model("m", {}, 0.0), "InProgress", 1.5, 1.5)


def test_a_job_is_what_was_last_written_of_it(tmp_path: Path):
    jobs = TransformJobs(tmp_path, "r")
    jobs.put(JOB)
    jobs.put(JOB.over("Completed", 2.0))

    again = TransformJobs(tmp_path, "r")

    assert again.load(9.0) == []
    assert again.get("j").status == "Completed"


def test_a_job_that_ran_when_the_server_ended_has_failed(tmp_path: Path):
    TransformJobs(tmp_path, "r").put(JOB.begun(2.0))

    (job,) = TransformJobs(tmp_path, "r").load(9.0)

    assert (job.status, job.ended) == ("Failed", 9.0)


def test_a_line_that_was_cut_off_costs_neither_the_jobs_before_nor_those_after(tmp_path: Path):
    jobs = TransformJobs(tmp_path, "r")
    jobs.put(JOB.over("Stopped", 2.0))
    with (tmp_path / "transform-jobs.jsonl").open("a") as file:
        file.write('{"name": "k", "request": {}')

    again = TransformJobs(tmp_path, "r")
    again.load(9.0)
    again.put(replace(JOB, name="l", status="Completed"))
    last = TransformJobs(tmp_path, "r")
    last.load(9.0)

    assert [job.name for job in last.all()] == ["j", "l"]


def test_an_event_has_its_times_in_milliseconds_as_far_as_there_are_any():
    ended = JOB.begun(2.0).over("Failed", 3.25, "x" * 2000)
    detail = event(ended, "id", "r", 3.25)["detail"]

    assert (detail["CreationTime"], detail["TransformStartTime"]) == (1500, 2000)
    assert detail["TransformEndTime"] == 3250
    assert len(detail["FailureReason"]) == 1024
    assert detail["Tags"] == {"k": "v"}
    first = event(JOB, "id", "r", 1.5)
    assert "TransformEndTime" not in first["detail"]
    assert first["time"] == "1970-01-01T00:00:01Z"
    assert json.dumps(first)


def test_a_description_tells_the_defaults_but_not_the_tags():
    document = job_document(JOB, "r")

    assert document["TransformOutput"] == {"AssembleWith": "None", "S3OutputPath": "s3://b/o"}
    assert "Tags" not in document
    assert "TransformEndTime" not in document
