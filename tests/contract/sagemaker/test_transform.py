"""Transform jobs: inputs, requests, outputs, and how they end."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import (
    BUCKET,
    REGION,
    UNHURRIED,
    Lab,
    Surroundings,
    eventually,
    image,
    running_server,
    unique,
)
from tests.contract.sagemaker.refusals import refusal
from tests.contract.sagemaker.transforms import Batch

MB = 1024 * 1024


@pytest.fixture
def batch(lab: Lab, tmp_path: Path) -> Batch:
    return Batch(lab, unique("batch"), tmp_path / "journal")


def test_each_object_has_an_output_of_its_own_with_its_records_in_order(batch: Batch):
    batch.put("a.csv", "a1\na2\na3\n")
    batch.put("deep/b.csv", "b1\nb2")

    job = batch.run()

    assert job["TransformJobStatus"] == "Completed"
    assert "FailureReason" not in job
    assert batch.outputs() == {"a.csv.out": "A1\nA2\nA3\n", "deep/b.csv.out": "B1\nB2\n"}


def test_a_job_is_described_with_its_defaults_and_times(batch: Batch):
    batch.put("a", "a\n")
    job = batch.run(input={"SplitType": "None"}, output={"AssembleWith": "None"})

    assert job["TransformJobArn"].endswith(f":transform-job/{job['TransformJobName']}")
    assert job["TransformInput"]["CompressionType"] == "None"
    assert job["DataProcessing"] == {
        "InputFilter": "$",
        "OutputFilter": "$",
        "JoinSource": "None",
    }
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]


def test_a_prefix_takes_longer_names_too(batch: Batch):
    batch.put("data.csv", "right\n")
    batch.put("data.csv.bak", "wrong\n")
    batch.put("other.csv", "other\n")

    batch.run(source={"S3Uri": f"{batch.inputs}data.csv"})

    assert batch.outputs() == {"data.csv.out": "RIGHT\n", "data.csv.bak.out": "WRONG\n"}


def test_a_folder_without_its_slash_names_its_outputs_alike(batch: Batch):
    batch.put("folder/x", "x\n")

    batch.run(source={"S3Uri": f"{batch.inputs}folder"})

    assert batch.outputs() == {"x.out": "X\n"}


def test_the_marker_of_a_folder_is_no_input(batch: Batch):
    batch.put("", "")
    batch.put("x", "x\n")

    assert batch.run()["TransformJobStatus"] == "Completed"
    assert batch.outputs() == {"x.out": "X\n"}


def test_a_manifest_names_the_objects_one_by_one(batch: Batch):
    for name in ("a", "deep/b", "c"):
        batch.put(name, f"{name}\n")
    manifest = json.dumps([{"prefix": batch.inputs}, "deep/b", "c"])
    url = batch.lab.around.put(f"{batch.folder}/manifest", manifest.encode())

    batch.run(source={"S3DataType": "ManifestFile", "S3Uri": url})

    assert batch.outputs() == {"deep/b.out": "DEEP/B\n", "c.out": "C\n"}


def test_an_object_of_a_manifest_that_is_missing_fails_the_job_alone(batch: Batch):
    batch.put("there", "a\n")
    manifest = json.dumps([{"prefix": batch.inputs}, "there", "not-there"])
    url = batch.lab.around.put(f"{batch.folder}/manifest", manifest.encode())

    job = batch.run(source={"S3DataType": "ManifestFile", "S3Uri": url})

    assert job["TransformJobStatus"] == "Failed"
    assert batch.outputs() == {"there.out": "A\n"}


@pytest.mark.local
@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (b"not json", "it is no JSON"),
        (b'["a", "b"]', "it does not begin with"),
        (b'[{"prefix": "s3://b/"}]', "it is no list"),
        (b'[{"prefix": "ftp://b/"}, "a"]', "no S3 location"),
        (b'[{"prefix": "s3://b/"}, 5]', "a name is no string"),
    ],
)
def test_what_is_no_manifest_is_refused(batch: Batch, manifest: bytes, message: str):
    url = batch.lab.around.put(f"{batch.folder}/manifest", manifest)

    with pytest.raises(ClientError, match=message):
        batch.create(source={"S3DataType": "ManifestFile", "S3Uri": url})


def test_as_many_records_as_fit_go_into_a_request_or_only_one(batch: Batch):
    record = "x" * (400 * 1024) + "\n"
    batch.put("a", record * 3)

    batch.run(MaxPayloadInMB=1)
    assert [len(body) for body in batch.bodies()] == [2 * len(record), len(record)]

    batch.run(MaxPayloadInMB=1, BatchStrategy="SingleRecord")
    assert [len(body) for body in batch.bodies()[2:]] == [len(record)] * 3


def test_an_object_that_is_not_split_is_one_request(batch: Batch):
    batch.put("a", "a1\na2\n")

    batch.run(input={"SplitType": "None", "ContentType": "text/csv"}, output={"Accept": "text/x"})

    (entry,) = batch.journal()
    assert entry["body"] == "a1\na2\n"
    assert (entry["type"], entry["accept"], entry["chunked"]) == ("text/csv", "text/x", False)


@pytest.mark.parametrize("split", ["None", "Line"])
def test_what_exceeds_the_largest_payload_fails(batch: Batch, split: str):
    batch.put("large", "x" * (MB + 1))
    batch.put("small", "a\n")

    job = batch.run(MaxPayloadInMB=1, input={"SplitType": split})

    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: See job logs for more information")
    assert batch.outputs() == {"small.out": "A\n"}


def test_a_payload_of_zero_megabytes_is_sent_in_chunks_whatever_its_size(batch: Batch):
    batch.put("a", ("x" * 99 + "\n") * 100_000)

    job = batch.run(MaxPayloadInMB=0, input={"SplitType": "None"})

    assert job["TransformJobStatus"] == "Completed"
    (entry,) = batch.journal()
    assert entry["chunked"]
    assert len(entry["body"]) == 10_000_000


def test_answers_are_put_together_with_or_without_newlines(batch: Batch):
    batch.put("a", "a1\na2\n")
    model = batch.model(STYLE="bare")

    batch.run(model, BatchStrategy="SingleRecord")
    assert batch.outputs() == {"a.out": "A1\nA2\n"}

    batch.run(model, BatchStrategy="SingleRecord", output={"AssembleWith": "None"})
    assert batch.outputs() == {"a.out": "A1A2"}


def test_compressed_objects_are_decompressed(batch: Batch):
    batch.put("a.gz", gzip.compress(b"a1\na2\n"))

    batch.run(input={"CompressionType": "Gzip"})

    assert batch.outputs() == {"a.gz.out": "A1\nA2\n"}


def test_an_object_that_can_not_be_decompressed_fails_the_job(batch: Batch):
    batch.put("a.gz", b"not compressed\n")

    job = batch.run(input={"CompressionType": "Gzip"})

    assert job["TransformJobStatus"] == "Failed"
    assert batch.outputs() == {}


@pytest.mark.local
def test_a_bad_record_costs_its_own_file_and_the_job_its_success(batch: Batch):
    batch.put("bad", "a\npoison\nb\n")
    batch.put("good", "c\n")

    job = batch.run(BatchStrategy="SingleRecord")

    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: See job logs for more information")
    assert batch.outputs() == {"good.out": "C\n"}
    log = Path(job["FailureReason"].partition("Local logs: ")[2].partition(",")[0]).read_text()
    assert f"{BUCKET}/{batch.folder}/in/bad: ClientError: 400\n" in log
    assert f"{BUCKET}/{batch.folder}/in/bad: a bad record\n" in log


def test_a_refused_record_is_not_sent_again_but_passing_trouble_is_tried_again(batch: Batch):
    batch.put("a", "poison\n")
    batch.run()
    assert len(batch.bodies()) == 1

    batch.put("a", "fine\n")
    job = batch.run(batch.model(FAILURES="2"))
    assert job["TransformJobStatus"] == "Completed"
    assert len(batch.bodies()) == 4


def test_trouble_that_lasts_longer_than_the_retries_fails_the_job(batch: Batch):
    batch.put("a", "broken\n")

    job = batch.run(ModelClientConfig={"InvocationsMaxRetries": 1})

    assert job["FailureReason"].startswith("AlgorithmError: See job logs for more information")
    assert len(batch.bodies()) == 2


def test_a_model_that_takes_too_long_or_crashes_fails_the_job(batch: Batch):
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    for content in ("sleep 3\n", "crash\n"):
        batch.put("a", content)
        job = batch.run(ModelClientConfig=client)
        assert job["FailureReason"].startswith("AlgorithmError")


def test_a_model_that_never_answers_ping_fails_the_job(batch: Batch):
    batch.put("a", "a\n")
    name = batch.create(batch.model(START="never"))
    eventually(lambda: "TransformStartTime" in batch.describe(name))

    batch.lab.server.local("POST", "clock", {"advance_seconds": 481})

    job = batch.until_over(name)
    assert job["TransformJobStatus"] == "Failed"
    assert "Model container failed to respond to ping" in job["FailureReason"]


def test_only_so_many_requests_run_at_a_time_on_an_instance(batch: Batch):
    for name in "abc":
        batch.put(name, "sleep 0.2\nsleep 0.2\n")

    batch.run(MaxConcurrentTransforms=2, BatchStrategy="SingleRecord")

    running = [entry["running"] for entry in batch.journal()]
    assert len(running) == 6
    assert max(running) == 2


def test_the_order_of_records_survives_concurrent_requests(batch: Batch):
    batch.put("a", "sleep 0.5\nb\nc\nsleep 0.2\nd\n")

    batch.run(MaxConcurrentTransforms=4, BatchStrategy="SingleRecord")

    assert batch.outputs() == {"a.out": "SLEEP 0.5\nB\nC\nSLEEP 0.2\nD\n"}


def test_objects_are_distributed_over_the_instances_and_none_is_shared(batch: Batch):
    for name in "abcd":
        batch.put(name, f"{name}1\n{name}2\n")

    batch.run(resources={"InstanceCount": 2}, BatchStrategy="SingleRecord")

    by_instance: dict[int, set[str]] = {}
    for entry in batch.journal():
        by_instance.setdefault(entry["pid"], set()).add(entry["body"][0])
    assert sorted(sorted(names) for names in by_instance.values()) == [["a", "c"], ["b", "d"]]


def test_the_container_says_what_suits_it_and_the_job_has_the_last_word(batch: Batch):
    batch.put("a", "sleep 0.2\n" * 6)
    asked = {"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
    model = batch.model(EXECUTION_PARAMETERS=json.dumps(asked))

    batch.run(model)
    assert len(batch.bodies()) == 6
    assert max(entry["running"] for entry in batch.journal()) == 3

    batch.run(model, BatchStrategy="MultiRecord")
    assert len(batch.bodies()) == 7


def test_what_the_container_asks_for_is_bounded_as_well(batch: Batch):
    batch.put("a", "a\n")
    asked = {"MaxConcurrentTransforms": 50, "MaxPayloadInMB": 6}

    job = batch.run(batch.model(EXECUTION_PARAMETERS=json.dumps(asked)))

    assert "exceeds 100 MB" in job["FailureReason"]


def environment_of(batch: Batch, **members: Any) -> dict[str, str]:
    batch.put("a", "a\n")
    batch.run(batch.model(STYLE="environment", FROM_MODEL="m", BOTH="m"), **members)
    environment: dict[str, str] = json.loads(batch.outputs()["a.out"])
    return environment


def test_the_container_is_told_that_it_runs_a_job(batch: Batch):
    environment = environment_of(
        batch,
        Environment={"FROM_JOB": "j", "BOTH": "j"},
        MaxPayloadInMB=3,
        MaxConcurrentTransforms=2,
        BatchStrategy="SingleRecord",
    )

    assert (environment["FROM_MODEL"], environment["FROM_JOB"]) == ("m", "j")
    assert environment["BOTH"] == "j"
    assert environment["SAGEMAKER_BATCH"] == "true"
    assert environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "3"
    assert environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "2"
    assert environment["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"


def test_the_container_is_not_told_what_nobody_has_set(batch: Batch):
    environment = environment_of(batch)

    assert environment["SAGEMAKER_BATCH"] == "true"
    assert not [name for name in environment if name.startswith("SAGEMAKER_MAX_")]
    assert "SAGEMAKER_BATCH_STRATEGY" not in environment


def test_a_pipeline_runs_as_a_job(batch: Batch):
    batch.put("a", "[]")
    stages = [{"Image": image("stage"), "Environment": {"STAGE": name}} for name in ("one", "two")]

    batch.run(batch.lab.model_of(stages), input={"SplitType": "None"})

    visited = json.loads(batch.outputs()["a.out"])
    assert [item["stage"] for item in visited] == ["one", "two"]


def test_a_job_that_is_stopped_keeps_the_outputs_of_finished_files(batch: Batch):
    batch.put("a-fast", "a\n")
    batch.put("b-slow", "sleep 30\n")
    name = batch.create()
    eventually(lambda: batch.outputs() and len(batch.bodies()) == 2)

    batch.stop(name)
    assert batch.describe(name)["TransformJobStatus"] in ("Stopping", "Stopped")

    job = batch.until_over(name)
    assert job["TransformJobStatus"] == "Stopped"
    assert job["TransformEndTime"]
    assert batch.outputs() == {"a-fast.out": "A\n"}
    error = refusal(batch.stop, name)
    assert "is in status Stopped" in error["Error"]["Message"]


def test_the_container_of_a_job_is_gone_when_the_job_is_over(batch: Batch):
    batch.put("a", "a\n")
    batch.run()

    (entry,) = batch.journal()
    eventually(lambda: not Path(f"/proc/{entry['pid']}").exists())


def test_a_name_is_taken_for_ever(around: Surroundings, tmp_path: Path):
    with running_server(tmp_path / "state", around.url, *UNHURRIED) as server:
        batch = Batch(Lab(server, around), unique("batch"), tmp_path / "journal")
        batch.put("a", "a\n")
        model, name = batch.model(), unique("job")
        batch.run(model, TransformJobName=name)

    with running_server(tmp_path / "state", around.url, *UNHURRIED) as again:
        batch.lab = Lab(again, around)
        assert batch.describe(name)["TransformJobStatus"] == "Completed"
        error = refusal(batch.create, model, TransformJobName=name)
        assert error["Error"]["Code"] == "ResourceInUse"
        assert error["Error"]["Message"].startswith(
            "Transform job names must be unique within an AWS account and region"
        )


def test_a_job_does_not_survive_the_server(around: Surroundings, tmp_path: Path):
    with running_server(tmp_path / "state", around.url) as server:
        batch = Batch(Lab(server, around), unique("batch"), tmp_path / "journal")
        batch.put("a", "sleep 30\n")
        name = batch.create()
        eventually(batch.bodies)

    with running_server(tmp_path / "state", around.url) as again:
        batch.lab = Lab(again, around)
        job = batch.describe(name)
        assert job["TransformJobStatus"] == "Failed"
        assert "restarted" in job["FailureReason"]


def test_jobs_are_listed_with_status_and_times(batch: Batch):
    batch.put("a", "a\n")
    mark = unique("listed")
    batch.run(TransformJobName=f"{mark}-1")
    batch.put("a", "poison\n")
    batch.run(TransformJobName=f"{mark}-2")
    listed = batch.lab.server.control.list_transform_jobs

    found = listed(NameContains=mark, SortBy="Name", SortOrder="Ascending")["TransformJobSummaries"]

    assert [item["TransformJobStatus"] for item in found] == ["Completed", "Failed"]
    assert found[1]["FailureReason"].startswith("ClientError")
    assert found[0]["TransformJobArn"].startswith(f"arn:aws:sagemaker:{REGION}:")
    (failed,) = listed(NameContains=mark, StatusEquals="Failed")["TransformJobSummaries"]
    assert failed["TransformJobName"] == f"{mark}-2"


def test_what_is_not_there_is_not_found(batch: Batch):
    for call in (batch.describe, batch.stop):
        error = refusal(call, "nobody")
        assert error["Error"]["Code"] == "ValidationException"
        assert error["Error"]["Message"] == "Could not find requested job with name: nobody"

    with pytest.raises(ClientError, match="Could not find model"):
        batch.create("none")
    error = refusal(batch.create)
    assert error["Error"]["Code"] == "ValidationException"
    assert error["Error"]["Message"].startswith(
        f'No S3 objects found under S3 URL "{batch.inputs}" given in input data source.'
    )


def test_jobs_are_created_once_a_second_unless_told_otherwise(batch: Batch):
    batch.put("a", "a\n")
    model = batch.model()
    batch.lab.server.local("PUT", "limits", {"create_transform_jobs_per_second": 1})
    batch.lab.server.local("POST", "clock", {"advance_seconds": 2})

    first = batch.create(model)
    error = refusal(batch.create, model)

    assert error["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    batch.lab.server.local("POST", "clock", {"advance_seconds": 1})
    for name in (first, batch.create(model)):
        batch.until_over(name)


def test_descriptions_and_lists_have_a_rate_too(batch: Batch):
    control = batch.lab.server.control
    limits = {"describe_transform_jobs_per_second": 2, "list_transform_jobs_per_second": 0}
    batch.lab.server.local("PUT", "limits", limits)
    batch.lab.server.local("POST", "clock", {"advance_seconds": 2})

    codes = [refusal(batch.describe, "nobody")["Error"]["Code"] for _ in range(3)]

    assert codes == ["ValidationException", "ValidationException", "ThrottlingException"]
    assert refusal(control.list_transform_jobs)["Error"]["Code"] == "ThrottlingException"


def test_jobs_share_a_quota_of_instances(batch: Batch):
    batch.put("a", "sleep 30\n")
    batch.lab.server.local("PUT", "limits", {"transform_instances": 2})
    running = batch.create(resources={"InstanceCount": 2})

    error = refusal(batch.create)

    assert error["Error"]["Code"] == "ResourceLimitExceeded"
    assert batch.lab.server.local("GET", "stats")["errors"]["ResourceLimitExceeded"]
    assert error["Error"]["Message"].startswith(
        "The account-level service limit 'Number of instances across all transform jobs' is 2 "
        "Instances, with current utilization of 2 Instances and a request delta of 1 Instances."
    )
    batch.stop(running)
    batch.until_over(running)
    batch.put("a", "a\n")
    assert batch.run()["TransformJobStatus"] == "Completed"


def test_a_job_can_be_made_to_fail_on_demand(batch: Batch):
    batch.put("a", "a\n")
    name = unique("job")
    rule = {"fault": "model_error", "status": 503, "endpoint": name, "times": 1}
    batch.lab.server.local("PUT", "faults", [rule])
    client = {"InvocationsMaxRetries": 0}

    job = batch.run(TransformJobName=name, ModelClientConfig=client)

    assert job["TransformJobStatus"] == "Failed"
    counts = batch.lab.server.local("GET", "stats")["transform_jobs"][name]
    assert counts["model_invocations"] == 0


def test_the_answer_about_a_job_that_was_created_can_be_lost(batch: Batch):
    batch.put("a", "a\n")
    name = unique("job")
    rule = {"fault": "lost_answer", "operation": "CreateTransformJob", "seconds": 0.1}
    batch.lab.server.local("PUT", "faults", [{**rule, "endpoint": name}])

    with pytest.raises(Exception, match="Connection was closed"):
        batch.create(TransformJobName=name)

    assert batch.until_over(name)["TransformJobStatus"] == "Completed"


def test_the_model_server_of_a_job_can_be_killed(batch: Batch):
    batch.put("a", "sleep 30\n")
    name = batch.create(ModelClientConfig={"InvocationsMaxRetries": 0})
    eventually(batch.bodies)

    killed = batch.lab.server.local("POST", "kill", {"transform_job": name})

    assert killed == {"pid": batch.journal()[0]["pid"]}
    assert batch.until_over(name)["FailureReason"].startswith("AlgorithmError")
    answer = batch.lab.server.http(
        "POST", "/_local/kill", b'{"transform_job": "%s"}' % name.encode()
    )
    assert answer.status == 400


def test_the_model_server_of_a_job_is_started_again(batch: Batch):
    batch.put("a", "sleep 2\n")
    name = batch.create()
    eventually(batch.bodies)
    batch.lab.server.local("POST", "kill", {"transform_job": name})

    assert batch.until_over(name)["TransformJobStatus"] == "Completed"
    first, second = batch.journal()
    assert first["pid"] != second["pid"]


@pytest.mark.local
def test_a_job_whose_model_server_has_died_too_often_begins_no_further_file(batch: Batch):
    batch.lab.server.local("PUT", "limits", {"transform_restarts": 0})
    for name, content in (("a", "first\n"), ("b", "crash\n"), ("c", "third\n")):
        batch.put(name, content)

    job = batch.run(ModelClientConfig={"InvocationsMaxRetries": 1})

    assert job["FailureReason"].startswith("AlgorithmError: See job logs")
    assert list(batch.outputs()) == ["a.out"]


def test_the_counts_of_a_job_tell_how_it_stands(batch: Batch):
    batch.put("a", "sleep 1\n")
    name = batch.create()
    eventually(batch.bodies)

    counts = batch.lab.server.local("GET", "stats")["transform_jobs"][name]

    assert (counts["status"], counts["model_invocations"]) == ("InProgress", 1)
    assert [each["pid"] for each in counts["instances"]] == [batch.journal()[0]["pid"]]
    batch.until_over(name)
    counts = batch.lab.server.local("GET", "stats")["transform_jobs"][name]
    assert (counts["status"], counts["instances"]) == ("Completed", [])
