import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from examples.digits.make_data import Shape, lines, write_data
from examples.digits.reference import predict_lines

pytestmark = pytest.mark.enable_socket


def body_of(**shape: Any) -> bytes:
    return "".join(lines(Shape(**shape))).encode()


def test_ping_answers_200_with_an_empty_body(digits):
    answer = digits.get("/ping")
    assert (answer.status, answer.text) == (200, "")


@pytest.mark.parametrize("quoted", [False, True])
def test_a_csv_file_gets_the_line_that_the_model_gives_for_each_record(
    digits, model_dir, tmp_path, quoted
):
    write_data(tmp_path / "digits.csv", Shape(records=1000, quoted=quoted))
    answer = digits.invoke((tmp_path / "digits.csv").read_bytes(), Accept="text/csv")
    assert answer.status == 200
    assert answer.text.splitlines() == predict_lines(model_dir, tmp_path / "digits.csv")
    assert answer.headers["Content-Type"] == "text/csv"


@pytest.mark.parametrize("content_type", ["application/jsonlines", "application/x-ndjson"])
def test_json_lines_are_answered_with_labels_and_probabilities(digits, content_type):
    labels = digits.invoke(body_of(records=20)).text.split()
    answer = digits.invoke(body_of(records=20, format="jsonl"), content_type)
    documents = [json.loads(line) for line in answer.text.splitlines()]
    assert [str(document["label"]) for document in documents] == labels
    assert all(0 < document["probability"] <= 1 for document in documents)


def test_json_instances_are_answered_with_predictions(digits):
    records = [json.loads(line) for line in lines(Shape(records=3, format="jsonl"))]
    answer = digits.invoke(json.dumps({"instances": records}).encode(), "application/json")
    assert len(json.loads(answer.text)["predictions"]) == 3


def test_plain_text_is_answered_with_plain_text(digits):
    answer = digits.invoke(body_of(records=3, format="text"), "text/plain")
    assert answer.text == digits.invoke(body_of(records=3)).text


def test_every_answer_says_how_long_it_is(digits):
    good, bad = digits.invoke(body_of(records=3)), digits.invoke(b"1,2\n")
    for answer in (good, bad, digits.get("/ping"), digits.get("/nowhere")):
        assert int(answer.headers["Content-Length"]) == len(answer.text.encode())
        assert "Transfer-Encoding" not in answer.headers


def test_a_poisoned_record_is_named_in_the_400(digits):
    answer = digits.invoke(body_of(records=10, poison=frozenset({7})))
    assert answer.status == 400
    assert json.loads(answer.text) == {
        "error": "bad_request",
        "reason": "record 7: pixel_0 is not a number: 'poison'",
        "record": 7,
    }


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status"),
    [
        (b"0", "application/x-npy", {}, 415),
        (b"0" * 1_000_001, "text/csv", {}, 413),
        (b"0", "text/csv", {"Accept": "image/png"}, 406),
    ],
)
def test_a_request_that_is_not_served_says_why(digits, body, content_type, headers, status):
    answer = digits.invoke(body, content_type, **headers)
    assert answer.status == status
    assert json.loads(answer.text)["reason"]


def test_unknown_paths_and_methods_are_refused(digits):
    assert digits.get("/models").status == 404
    assert digits.get("/invocations").status == 405


def test_batch_transform_is_told_parameters_within_its_limit(digits):
    parameters = json.loads(digits.get("/execution-parameters").text)
    assert parameters["MaxConcurrentTransforms"] * parameters["MaxPayloadInMB"] <= 100


def test_requests_at_the_same_time_get_their_own_answers(digits):
    bodies = ["".join(lines(Shape(records=count))).encode() for count in range(10, 18)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(digits.invoke, bodies))
    assert [len(answer.text.splitlines()) for answer in answers] == list(range(10, 18))
    assert all(answers[-1].text.startswith(answer.text) for answer in answers)


def test_a_request_leaves_one_line_of_json_in_the_log(digits):
    attributes = "job=1;chunk=00000.0001"
    headers = {"X-Amzn-SageMaker-Custom-Attributes": attributes}
    digits.invoke(body_of(records=3), **headers)
    line = json.loads(digits.log.read_text().splitlines()[-1])
    assert line["custom_attributes"] == attributes
    assert (line["status"], line["records"], line["path"]) == (200, 3, "/invocations")


def test_probabilities_are_answered_if_the_environment_says_so(start_server, model_dir, tmp_path):
    settings = {"SM_MODEL_DIR": str(model_dir), "MODEL_OUTPUT": "probabilities"}
    with start_server("digits", tmp_path, **settings) as server:
        label, probability = server.invoke(body_of(records=1)).text.strip().split(",")
        server.process.terminate()
        assert server.process.wait(timeout=10) == 0
    assert label.isdigit()
    assert 0 < float(probability) <= 1


def test_without_a_model_the_server_ends_and_says_why(tmp_path, start_server):
    with (
        pytest.raises(pytest.fail.Exception, match="no model in"),
        start_server("digits", tmp_path, SM_MODEL_DIR=str(tmp_path)),
    ):
        pytest.fail("it started")
