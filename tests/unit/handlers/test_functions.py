"""The sample events of events/, through the functions' own handlers.

The same files are for `sam local invoke`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.moto_stack import client
from tests.unit.handlers.conftest import (
    ANSWER_KEY,
    FUNCTIONS,
    LOGICAL_IDS,
    ROOT,
    Deployed,
    queue_of,
    sample_event,
)

JOB_ID = "22d28e6962ee6fb14912"
ROWS = b"1,2\n3,4\n5,6\n"
ANSWER = b"y1\ny2\ny3\n"
DONE: dict[str, Any] = {"batchItemFailures": []}

Upload = Callable[[str, bytes], None]


def bodies(deployed: Deployed, queue: str) -> list[dict[str, Any]]:
    return [json.loads(message["Body"]) for message in deployed.stack.messages(queue)]


def output(key: str) -> bytes:
    found = client("s3").get_object(Bucket="penstock-output", Key=key)
    body: bytes = found["Body"].read()
    return body


@pytest.fixture
def accepted(deployed: Deployed, upload: Upload) -> Deployed:
    upload("reviews/today.csv", ROWS)
    assert deployed.deliver("accept_upload", "file") == DONE
    return deployed


@pytest.fixture
def split(accepted: Deployed) -> Deployed:
    assert accepted.deliver("split_input", "scan") == DONE
    return accepted


@pytest.fixture
def invoked(split: Deployed) -> Deployed:
    assert split.deliver("invoke_model", "chunk") == DONE
    client("s3").put_object(Bucket="penstock-work", Key=ANSWER_KEY, Body=ANSWER)
    return split


@pytest.fixture
def collected(invoked: Deployed) -> Deployed:
    assert invoked.deliver("collect_result", "completed") == DONE
    return invoked


def test_a_dropped_file_is_accepted(accepted: Deployed) -> None:
    assert bodies(accepted, "SplitQueue") == [{"kind": "scan", "job_id": JOB_ID, "region": 0}]


def test_a_bad_pipeline_file_is_announced(deployed: Deployed, upload: Upload) -> None:
    told = deployed.stack.subscribe("FailureTopic")
    upload("reviews/_pipeline.yaml", b"invoke: {endpint: demo}\n")

    assert deployed.deliver("accept_upload", "pipeline") == DONE

    (report,) = bodies(deployed, told)
    assert report["file"] == "s3://penstock-input/reviews/_pipeline.yaml"


def test_a_region_is_split_into_chunks(split: Deployed) -> None:
    (chunk,) = bodies(split, "InvokeQueue")

    (sample,) = sample_event("invoke_model", "chunk")["Records"]
    assert chunk == json.loads(sample["body"])


def test_a_chunk_is_sent_to_the_model_once(invoked: Deployed) -> None:
    (item,) = chunk_items()
    assert item["inference_id"]["S"] == f"{JOB_ID}:00000.0000:1:3:1"

    assert invoked.deliver("invoke_model", "chunk") == DONE

    assert chunk_items() == [item]


def chunk_items() -> list[dict[str, Any]]:
    items = client("dynamodb").scan(TableName="jobs")["Items"]
    return [item for item in items if "#SEGMENT#" in item["pk"]["S"]]


@pytest.mark.parametrize("sample", ["completed", "in_an_sns_envelope"])
def test_a_result_settles_its_chunk(invoked: Deployed, sample: str) -> None:
    assert invoked.deliver("collect_result", sample) == DONE

    segment = {"kind": "segment", "job_id": JOB_ID, "segment": 0, "chunks": 1}
    assert bodies(invoked, "AssembleQueue") == [segment]


def test_a_failure_has_its_chunk_tried_again(invoked: Deployed) -> None:
    assert invoked.deliver("collect_result", "failed") == DONE

    url = invoked.stack.queues["InvokeQueue"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    counts = attributes["Attributes"]
    waiting = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")
    assert sum(int(counts[name]) for name in waiting) == 2  # the first is never taken in this test


def test_a_segment_is_assembled_and_its_job_finished(collected: Deployed) -> None:
    told = collected.stack.subscribe("SuccessTopic")

    assert collected.deliver("assemble_output", "segment") == DONE

    assert output("reviews/today.csv.out") == ANSWER
    assert json.loads(output("reviews/today.csv.manifest.json"))["status"] == "SUCCEEDED"
    (summary,) = bodies(collected, told)
    assert summary["job_id"] == JOB_ID


def test_finishing_a_finished_job_changes_nothing(collected: Deployed) -> None:
    collected.deliver("assemble_output", "segment")
    told = collected.stack.subscribe("SuccessTopic")

    assert collected.deliver("assemble_output", "finish") == DONE

    assert bodies(collected, told) == []


TRANSFORM = b"invoke: {mode: transform, model: demo, instance_type: ml.m5.large}\n"


@pytest.fixture
def started(deployed: Deployed, upload: Upload) -> Deployed:
    """A transform job has been created for the one chunk of a file."""
    client("sagemaker").create_model(ModelName="demo", ExecutionRoleArn="arn:aws:iam::1:role/x")
    upload("reviews/_pipeline.yaml", TRANSFORM)
    upload("reviews/today.csv", ROWS)
    for function, sample in STEPS:
        assert deployed.deliver(function, sample) == DONE
    return deployed


STEPS = (
    ("accept_upload", "file"),
    ("split_input", "scan"),
    ("invoke_model", "chunk"),
    ("start_transform", "gather"),
)


def test_a_staged_chunk_goes_into_one_transform_job(started: Deployed) -> None:
    name = f"penstock-{JOB_ID}-0-0"
    found = client("sagemaker").describe_transform_job(TransformJobName=name)
    assert found["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"

    assert started.deliver("start_transform", "gather") == DONE

    jobs = client("sagemaker").list_transform_jobs()["TransformJobSummaries"]
    assert [each["TransformJobName"] for each in jobs] == [name]


def test_the_end_of_a_transform_job_settles_its_chunks(started: Deployed) -> None:
    member = "00000.0000-1-0-3-1"
    key = f"transform/{JOB_ID}/out/0-0/{member}.out"
    client("s3").put_object(Bucket="penstock-work", Key=key, Body=ANSWER)

    assert started.deliver("collect_result", "transform_ended") == DONE

    assert bodies(started, "AssembleQueue") == [SEGMENT]
    (item,) = chunk_items()
    assert key in item["outcome"]["S"]


BEFORE = {
    "accept_upload": "deployed",
    "split_input": "accepted",
    "invoke_model": "split",
    "start_transform": "started",
    "collect_result": "invoked",
    "assemble_output": "collected",
}
AFTERWARDS = {
    "accept_upload": "SplitQueue",
    "split_input": "InvokeQueue",
    "collect_result": "AssembleQueue",
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_of_a_batch_only_the_bad_message_comes_back_and_later(
    request: pytest.FixtureRequest, function: str
) -> None:
    deployed: Deployed = request.getfixturevalue(BEFORE[function])
    event = deployed.received(sample_event(function, "one_bad_message"))
    bad = event["Records"][1]
    bad["attributes"]["ApproximateReceiveCount"] = "4"

    answer = deployed.invoke(function, event)

    assert answer == {"batchItemFailures": [{"itemIdentifier": bad["messageId"]}]}
    assert deployed.hidden_for(function, bad["messageId"]) == pytest.approx(16, abs=5)
    if function in AFTERWARDS:
        assert bodies(deployed, AFTERWARDS[function]) != []


def test_the_sweep_settles_what_was_answered_without_a_word(invoked: Deployed) -> None:
    (item,) = chunk_items()
    long_ago = item | {"invoked_at": {"N": "0"}}
    client("dynamodb").put_item(TableName="jobs", Item=long_ago)

    assert invoked.invoke("sweep_jobs", sample_event("sweep_jobs", "every_minute")) == {}

    segment = {"kind": "segment", "job_id": JOB_ID, "segment": 0, "chunks": 1}
    assert bodies(invoked, "AssembleQueue") == [segment]
    assert '"kind":"predictions"' in chunk_items()[0]["outcome"]["S"]


FINISH = {"kind": "finish", "job_id": JOB_ID}
SEGMENT = {"kind": "segment", "job_id": JOB_ID, "segment": 0, "chunks": 1}
LETTERS = {
    "upload": ("deployed", FINISH),
    "scan": ("accepted", FINISH),
    "chunk": ("split", SEGMENT),
    "result": ("invoked", SEGMENT),
    "segment": ("split", FINISH),
}


@pytest.mark.parametrize(("sample", "case"), LETTERS.items())
def test_a_dead_letter_ends_its_chunk_or_its_job(
    request: pytest.FixtureRequest, sample: str, case: tuple[str, dict[str, Any]]
) -> None:
    before, follows = case
    deployed: Deployed = request.getfixturevalue(before)

    assert deployed.deliver("handle_dead_letter", sample) == DONE

    assert bodies(deployed, "AssembleQueue") == [follows]


def test_a_dead_letter_of_a_transform_stops_its_job(accepted: Deployed) -> None:
    assert accepted.deliver("handle_dead_letter", "gather") == DONE

    key = {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "JOB"}}
    item = client("dynamodb").get_item(TableName="jobs", Key=key)["Item"]
    assert "TransformDeadLetterQueue" in item["stop"]["S"]


def test_a_dead_letter_that_nobody_here_wrote_is_dropped_and_its_neighbours_are_done(
    split: Deployed,
) -> None:
    assert split.deliver("handle_dead_letter", "one_bad_message") == DONE

    assert bodies(split, "AssembleQueue") == [SEGMENT]


def test_a_dead_letter_that_cannot_be_handled_stays(split: Deployed) -> None:
    event = split.received(sample_event("handle_dead_letter", "chunk"))
    client("dynamodb").delete_table(TableName="jobs")

    answer = split.invoke("handle_dead_letter", event)

    (letter,) = event["Records"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": letter["messageId"]}]}


SAMPLES = sorted((ROOT / "events").glob("*/*.json"))
BATCHES = [path for path in SAMPLES if path.parent.name != "sweep_jobs"]


@pytest.mark.parametrize("path", BATCHES, ids=lambda p: p.stem)
def test_a_sample_event_has_the_shape_of_an_sqs_batch(path: Path) -> None:
    event = json.loads(path.read_text())

    (queue,) = {queue_of(record) for record in event["Records"]}
    if path.parent.name in FUNCTIONS:
        assert queue == FUNCTIONS[path.parent.name][1]
    else:
        assert queue.endswith("DeadLetterQueue")
    for record in event["Records"]:
        assert {"messageId", "receiptHandle", "body", "attributes"} <= record.keys()


def test_every_function_has_sample_events() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {path.name for path in (ROOT / "events").iterdir()} == functions == set(LOGICAL_IDS)
