"""What a transform job may ask for, filters and joins included."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import BUCKET, Lab, image, unique
from tests.contract.sagemaker.transforms import Batch

CSV: dict[str, Any] = {"input": {"ContentType": "text/csv"}, "output": {"Accept": "text/csv"}}
JSON_LINES: dict[str, Any] = {
    "input": {"ContentType": "application/jsonlines"},
    "output": {"Accept": "application/jsonlines"},
}
DOCUMENT: dict[str, Any] = {
    "input": {"ContentType": "application/json", "SplitType": "None"},
    "output": {"Accept": "application/json", "AssembleWith": "None"},
}
JOIN = {"JoinSource": "Input"}


@pytest.fixture
def batch(lab: Lab, tmp_path: Path) -> Batch:
    return Batch(lab, unique("batch"), tmp_path / "journal")


def test_columns_are_left_out_joined_again_and_chosen(batch: Batch):
    batch.put("a.csv", '7,"x, y",z\n8,u,v\n')
    processing = {"InputFilter": "$[1:]", "OutputFilter": "$[0,-1]", **JOIN}

    batch.run(DataProcessing=processing, **CSV)

    assert batch.bodies() == ['"x, y",z\nu,v\n']
    assert batch.outputs() == {"a.csv.out": "7,Z\n8,V\n"}


def test_rows_are_joined_with_their_answers(batch: Batch):
    batch.put("a.csv", "1,a\n2,b\n")

    batch.run(DataProcessing=JOIN, **CSV)

    assert batch.outputs() == {"a.csv.out": "1,a,1,A\n2,b,2,B\n"}


def test_json_objects_get_the_answer_as_an_attribute_and_other_values_are_wrapped(batch: Batch):
    batch.put("a.jsonl", '{"id": 1}\n[2]\n')

    batch.run(batch.model(STYLE="json"), DataProcessing=JOIN, **JSON_LINES)

    assert batch.outputs() == {
        "a.jsonl.out": '{"id":1,"SageMakerOutput":{"seen":{"id":1}}}\n'
        '{"SageMakerInput":[2],"SageMakerOutput":{"seen":[2]}}\n'
    }


def test_attributes_are_chosen_for_the_container_and_for_the_output(batch: Batch):
    batch.put("a.jsonl", '{"id": 1, "features": [1, 2]}\n')
    processing = {
        "InputFilter": "$.features",
        "OutputFilter": "$['id','SageMakerOutput']",
        **JOIN,
    }

    batch.run(batch.model(STYLE="json"), DataProcessing=processing, **JSON_LINES)

    assert batch.bodies() == ["[1,2]\n"]
    assert batch.outputs() == {"a.jsonl.out": '{"id":1,"SageMakerOutput":{"seen":[1,2]}}\n'}


def test_a_whole_document_is_joined_too(batch: Batch):
    batch.put("a.json", '{"text": "abc"}')

    batch.run(batch.model(STYLE="document"), DataProcessing=JOIN, **DOCUMENT)

    assert batch.outputs() == {"a.json.out": '{"text":"abc","SageMakerOutput":{"length":15}}'}


def test_the_answer_alone_can_be_filtered(batch: Batch):
    batch.put("a.csv", "1,a\n2,b\n")

    batch.run(DataProcessing={"OutputFilter": "$[1]"}, **CSV)

    assert batch.outputs() == {"a.csv.out": "A\nB\n"}


@pytest.mark.parametrize(
    ("content", "style", "processing"),
    [
        ("1,a\n", "upper", {"OutputFilter": "$[9]"}),
        ('1,"a\n', "upper", JOIN),
        ("1,a\n2,b\n", "few", JOIN),
    ],
    ids=["index-out-of-range", "bad-csv", "answers-are-missing"],
)
def test_what_can_not_be_processed_fails_the_job(
    batch: Batch, content: str, style: str, processing: dict[str, str]
):
    batch.put("a.csv", content)

    job = batch.run(batch.model(STYLE=style), DataProcessing=processing, **CSV)

    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError")
    assert batch.outputs() == {}


def members(kind: dict[str, Any], processing: dict[str, str], **others: Any) -> dict[str, Any]:
    return {**kind, "DataProcessing": processing, **others}


YET = "is not supported by the local SageMaker yet"
ENDLESS = {f"N{number}": "x" for number in range(17)}


@pytest.mark.local
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB cannot be greater than 100"),
        ({"MaxPayloadInMB": 26, "MaxConcurrentTransforms": 4}, "must not exceed 100 MB"),
        ({"resources": {"InstanceCount": 101}}, "InstanceCount must not exceed 100"),
        ({"resources": {"InstanceType": "ml.toy"}}, "satisfy enum value set"),
        ({"BatchStrategy": "Some"}, r"enum value set: \[MultiRecord, SingleRecord\]"),
        ({"ModelClientConfig": {"InvocationsMaxRetries": 4}}, "less than or equal to 3"),
        ({"ModelClientConfig": {"InvocationsTimeoutInSeconds": 3601}}, "or equal to 3600"),
        ({"Environment": ENDLESS}, "at 'environment' failed to satisfy"),
        ({"TransformJobName": "a_b"}, "at 'transformJobName' failed to satisfy constraint"),
        ({"TransformJobName": "x" * 64}, "at 'transformJobName' failed to satisfy constraint"),
        ({"output": {"S3OutputPath": "ftp://b"}}, "s3OutputPath' failed to satisfy"),
        ({"input": {"ContentType": "x" * 257}}, "contentType' failed to satisfy constraint"),
        ({"input": {"SplitType": "RecordIO"}}, f"SplitType RecordIO {YET}"),
        ({"input": {"SplitType": "TFRecord"}}, f"SplitType TFRecord {YET}"),
        ({"source": {"S3DataType": "AugmentedManifestFile"}}, "is not compatible"),
        ({"source": {"S3DataType": "Converse"}}, f"S3DataType Converse {YET}"),
        ({"DataCaptureConfig": {"DestinationS3Uri": f"s3://{BUCKET}/c"}}, YET),
        ({"ExperimentConfig": {"ExperimentName": "e"}}, YET),
        ({"resources": {"VolumeKmsKeyId": "key"}}, f"TransformResources.VolumeKmsKeyId {YET}"),
        (members(CSV, {"InputFilter": "1:"}), r"does not begin with \$"),
        (members(CSV, {"InputFilter": "$[1:3]"}), "a slice with an end is not supported"),
        (members(CSV, {"InputFilter": "$.a"}), "only index based JSONPaths"),
        (members(JSON_LINES, {"OutputFilter": "$..a"}), "no operator that Batch Transform"),
        (members(JSON_LINES, {"OutputFilter": "$[?(@.a)]"}), "no operator that Batch Transform"),
        ({"DataProcessing": JOIN}, "needs a ContentType of text/csv, application/json or"),
        (members(CSV, JOIN, output={"Accept": "text/plain"}), "Accept to be the same"),
        (
            members(JSON_LINES, JOIN, output={**JSON_LINES["output"], "AssembleWith": "None"}),
            "AssembleWith to be the same as SplitType",
        ),
        (members(CSV, JOIN, input={"ContentType": "text/csv", "SplitType": "None"}), "needs Spl"),
        (members(CSV, {"InputFilter": "$" + "[0]" * 30}), "inputFilter' failed to satisfy"),
    ],
)
def test_a_job_that_can_not_be_had_is_refused(batch: Batch, wrong: dict[str, Any], message: str):
    batch.put("a", "a\n")

    with pytest.raises(ClientError, match=message):
        batch.create(**wrong)


@pytest.mark.local
def test_a_job_runs_neither_several_models_nor_containers_by_name(batch: Batch):
    batch.put("a", "a\n")
    stages = [{"Image": image("stage"), "ContainerHostname": name} for name in ("one", "two")]
    several = batch.lab.model(
        Image=image("multi_model"), Mode="MultiModel", ModelDataUrl=f"s3://{BUCKET}/models/"
    )

    for model in (several, batch.lab.model_of(stages, "Direct")):
        with pytest.raises(ClientError, match=YET):
            batch.create(model)
