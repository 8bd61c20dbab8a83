"""What goes wrong, and what the user gets all the same."""

import json
import time

import pytest

from examples.echo.echo_reference import expected_line, expected_lines
from tests.e2e.chaos import kill, short_visibility, workers
from tests.e2e.harness import Stack, eventually

EAGER = (
    "invoke: {endpoint: echo}\n"
    "chunk: {max_records: 50}\n"
    "retry: {initial_interval: 200ms, maximum_interval: 1s, maximum_attempts: 4}\n"
)
RECORDS = [f"record {number}".encode() for number in range(1000)]
BODY = b"\n".join(RECORDS) + b"\n"


@pytest.fixture(scope="module", autouse=True)
def _eager_pipeline(echo: Stack) -> None:
    echo.configure("trouble", EAGER)


def run_whole(echo: Stack, name: str) -> dict[str, object]:
    """A job of which every record must be predicted, in order."""
    delivered = echo.run(f"trouble/{name}.txt", BODY)
    assert delivered.lines == expected_lines(RECORDS)
    assert delivered.counts == (1000, 1000, 0)
    assert delivered.manifest["status"] == "SUCCEEDED"
    return delivered.manifest


def test_throttled_calls_are_repeated_at_no_cost_in_attempts(echo: Stack) -> None:
    with echo.faults({"fault": "throttle", "probability": 0.4}):
        manifest = run_whole(echo, "throttled")

    assert manifest["retries"] == 0


def test_5xx_of_the_model_are_tried_again(echo: Stack) -> None:
    with echo.faults({"fault": "model_error", "status": 500, "times": 6}):
        manifest = run_whole(echo, "errors")

    assert manifest["retries"] == 6


def test_5xx_of_the_service_are_tried_again(echo: Stack) -> None:
    with echo.faults({"fault": "internal_failure", "times": 5}):
        run_whole(echo, "internal")


def test_duplicate_and_reordered_notifications_change_nothing(echo: Stack) -> None:
    with echo.faults(
        {"fault": "duplicate_notification", "probability": 0.5, "count": 2},
        {"fault": "reordered_notification", "probability": 0.5},
        {"fault": "delayed_notification", "probability": 0.2, "seconds": 1},
    ):
        manifest = run_whole(echo, "duplicates")

    assert manifest["attempts"] == manifest["chunks"]


def test_a_duplicate_s3_event_starts_no_second_job(echo: Stack) -> None:
    with echo.listening("success_topic_arn") as next_message:
        delivered = echo.run("trouble/twice.txt", BODY)
        next_message()
        attempts = _model_invocations(echo)
        others = _depth(echo, "upload_queue_url")  # bad messages of other tests may come back
        _repeat_upload_event(echo, "trouble/twice.txt")
        # The duplicate has been seen once the queue is as it was again.
        eventually(lambda: True if _depth(echo, "upload_queue_url") <= others else None)
        time.sleep(2)

    assert _model_invocations(echo) == attempts
    assert delivered.counts == (1000, 1000, 0)


def test_a_model_server_that_dies_is_restarted_and_its_chunk_tried_again(echo: Stack) -> None:
    records = [*RECORDS[:60], b"crash", *RECORDS[60:120]]

    delivered = echo.run("trouble/crash.txt", b"\n".join(records))

    assert delivered.lines == expected_lines(records)
    assert delivered.manifest["retries"] >= 1


def test_a_record_that_the_model_cannot_bear_costs_only_itself(echo: Stack) -> None:
    records = [*RECORDS[:70], b"explode", *RECORDS[71:100]]

    delivered = echo.run("trouble/explode.txt", b"\n".join(records))

    assert delivered.manifest["status"] == "PARTIAL"
    assert delivered.counts == (100, 99, 1)
    (error,) = delivered.errors
    assert (error["record"], error["error"], error["attempts"]) == (70, "ModelError", 4)
    assert error["input"] == "explode"
    expected = expected_lines(RECORDS[:100])
    assert delivered.lines[:70] == expected[:70]
    assert json.loads(delivered.lines[70])["record"] == 70
    assert delivered.lines[71:] == expected[71:]


def test_a_model_that_refuses_every_record_is_found_out_early(echo: Stack) -> None:
    delivered = echo.run("trouble/hopeless.txt", b"poison\n" * 1000)

    assert delivered.manifest["failure"]["code"] == "TooManyFailures"
    assert delivered.counts == (1000, 0, 1000)
    assert len(delivered.lines) == 1000
    assert delivered.manifest["attempts"] < 1000


def test_a_wrong_number_of_results_is_an_error_that_says_so(echo: Stack) -> None:
    delivered = echo.run("trouble/miscount.txt", b"\n".join([*RECORDS[:50], b"miscount", b"x"]))

    assert delivered.counts == (52, 51, 1)
    assert delivered.lines[51] == expected_line(b"x")
    assert (delivered.errors[0]["record"], delivered.errors[0]["error"]) == (50, "WrongResultCount")
    assert "1 records" in delivered.errors[0]["message"]


def test_records_that_are_no_utf8_are_refused_one_by_one(echo: Stack) -> None:
    delivered = echo.run("trouble/latin1.txt", b"one\ncaf\xe9\nthree\n")

    assert delivered.counts == (3, 2, 1)
    assert delivered.lines[0] == expected_line(b"one")
    assert delivered.lines[2] == expected_line(b"three")
    assert delivered.errors[0]["error"] == "InvalidUtf8"


def test_an_endpoint_that_does_not_exist_fails_the_job_with_its_name(echo: Stack) -> None:
    echo.configure("nowhere", "invoke: {endpoint: missing-endpoint}\n")
    with echo.listening("failure_topic_arn") as next_message:
        delivered = echo.run("nowhere/file.txt", b"1\n2\n")
        message = json.loads(next_message()["Message"])

    assert delivered.manifest["status"] == message["status"] == "FAILED"
    assert "missing-endpoint" in delivered.errors[0]["message"]


def test_a_call_that_is_denied_fails_the_job_without_a_retry(echo: Stack) -> None:
    with echo.faults({"fault": "access_denied"}):
        delivered = echo.run("trouble/denied.txt", b"1\n2\n")

    assert delivered.manifest["status"] == "FAILED"
    assert delivered.manifest["attempts"] == 1
    assert {error["error"] for error in delivered.errors} == {"AccessDeniedException"}


def test_a_bad_pipeline_file_is_announced_at_once_and_fails_the_jobs_under_it(echo: Stack) -> None:
    with echo.listening("failure_topic_arn") as next_message:
        echo.configure("bad", "invoke:\n  endpoint: echo\n  timeuot: 5m\n")
        announced = json.loads(next_message()["Message"])
        delivered = echo.run("bad/file.csv", b"1\n")
        failed = json.loads(next_message()["Message"])

    problem = "bad/_pipeline.yaml, line 3: unknown key `invoke.timeuot`"
    assert announced["problems"][0].startswith(problem)
    assert failed["failure"]["code"] == "InvalidPipeline"
    assert delivered.manifest["failure"]["message"].startswith(problem)


def test_a_quote_that_never_closes_fails_the_job_and_names_the_place(echo: Stack) -> None:
    delivered = echo.run("trouble/open.csv", b'1,a\n2,"b\n3,c\n')

    assert delivered.manifest["status"] == "FAILED"
    assert delivered.manifest["failure"]["code"] == "UnbalancedQuote"
    assert "record 1, which starts at byte 4" in delivered.manifest["failure"]["message"]


def test_a_name_that_collides_with_outputs_fails_the_job_and_names_the_remedy(echo: Stack) -> None:
    delivered = echo.run("trouble/old.csv.out", b"1\n")

    assert delivered.manifest["failure"]["code"] == "OutputNameCollision"
    assert "rename" in delivered.manifest["failure"]["message"]


def test_a_function_killed_in_mid_batch_loses_nothing(echo: Stack) -> None:
    echo.configure("killed", EAGER)
    with (
        short_visibility(echo, "invoke_queue_url", seconds=4),
        echo.faults({"fault": "slow_model", "seconds": 0.05}),
    ):
        job = echo.drop("killed/file.txt", BODY)
        eventually(lambda: True if echo.job_status(job) == "RUNNING" else None)
        killed = eventually(lambda: kill(workers(echo, "InvokeModel")) or None)
        # Permits that the dead function held are found by the sweep, which comes every minute.
        delivered = echo.wait("killed/file.txt", job, patience=300)

    assert killed
    assert delivered.lines == expected_lines(RECORDS)
    assert delivered.counts == (1000, 1000, 0)


def _model_invocations(echo: Stack) -> int:
    endpoints = echo.local_sagemaker("GET", "/_local/stats")["endpoints"]
    return int(endpoints["echo"]["model_invocations"])


def _depth(echo: Stack, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = echo.sqs.get_queue_attributes(QueueUrl=echo.document[queue], AttributeNames=names)
    return sum(int(value) for value in found["Attributes"].values())


def _repeat_upload_event(echo: Stack, key: str) -> None:
    """The same event again, as EventBridge may deliver it."""
    bucket = echo.document["input_bucket"]
    head = echo.s3.head_object(Bucket=bucket, Key=key)
    event = {
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {
            "bucket": {"name": bucket},
            "object": {
                "key": key,
                "size": head["ContentLength"],
                "etag": head["ETag"].strip('"'),
                "version-id": head["VersionId"],
                "sequencer": "00",
            },
        },
    }
    echo.sqs.send_message(QueueUrl=echo.document["upload_queue_url"], MessageBody=json.dumps(event))
