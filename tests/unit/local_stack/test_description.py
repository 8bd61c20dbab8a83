import pytest

from penstock_local import description


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("InputBucketName", "input_bucket"),
        ("TableName", "table"),
        ("SuccessTopicArn", "success_topic_arn"),
        ("InferenceErrorTopicArn", "inference_error_topic_arn"),
        ("UploadQueueUrl", "upload_queue_url"),
    ],
)
def test_an_output_gets_a_key_in_snake_case_without_the_word_name(output, key):
    assert description.json_key(output) == key


def test_a_document_is_read_as_it_was_written(tmp_path):
    document = description.Description(
        aws_endpoint_url="http://127.0.0.1:1",
        sagemaker_endpoint_url="http://127.0.0.1:2",
        stack_name="penstock",
        endpoint_name="demo",
        outputs={"InputBucketName": "in"},
    ).to_json()

    description.write(tmp_path / "new" / "local.json", document)

    assert description.read(tmp_path / "new" / "local.json") == document
    assert document["input_bucket"] == "in"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["local.json"]


@pytest.mark.parametrize("text", ['{"stack_na', "[]", "{}", ""])
def test_a_half_written_document_counts_as_none(tmp_path, text):
    (tmp_path / "local.json").write_text(text)

    assert description.read(tmp_path / "local.json") is None


def test_an_absent_document_counts_as_none(tmp_path):
    assert description.read(tmp_path / "local.json") is None
