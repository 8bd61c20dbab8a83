"""A record that cannot be predicted leaves an error line in its place and costs only itself."""

import json

import pytest

from penstock.domain.job import JobStatus
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.use_cases.read_records import LARGEST_CHUNK
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Answered,
    Failed,
    Request,
    Response,
    World,
    model,
)

ONE_BY_ONE = "invoke: {endpoint: demo}\nchunk: {max_records: 1}\n"


def error_codes(lines: list[str]) -> list[str | None]:
    """The code of each line that is an error, None for predictions."""
    cells = [line.strip('"').replace('""', '"') for line in lines]
    return [json.loads(cell)["error"] if cell.startswith("{") else None for cell in cells]


def test_records_that_are_not_utf8_are_refused_and_the_rest_is_predicted() -> None:
    world = World()
    world.drop("rows.csv", b"1\n\xff\xfe\n3\n4,\x80\n")

    world.run()

    assert error_codes(world.lines("rows.csv")) == [None, "InvalidUtf8", None, "InvalidUtf8"]
    first, second = world.errors("rows.csv")
    assert first["input_base64"] == "//4="
    assert (first["record"], first["start"], first["end"], first["attempts"]) == (1, 2, 4, 0)
    assert (second["record"], second["start"], second["end"]) == (3, 7, 10)
    assert world.manifest("rows.csv")["status"] == "PARTIAL"


def test_lines_that_are_not_json_are_refused_and_the_rest_is_predicted() -> None:
    world = World()
    world.drop("data.jsonl", b'{"a":1}\nnonsense\n{"a":\n2\n')

    world.run()

    lines = [json.loads(line) for line in world.lines("data.jsonl")]
    assert [line.get("error") for line in lines] == [None, "InvalidJson", "InvalidJson", None]
    assert [error["input"] for error in world.errors("data.jsonl")] == ["nonsense", '{"a":']


def test_a_chunk_of_nothing_but_refused_records_never_reaches_the_model() -> None:
    world = World(pipeline=ONE_BY_ONE)
    world.drop("data.jsonl", b"bad\n1\n")

    world.run()

    assert len(world.model.requests) == 1
    assert world.manifest("data.jsonl")["records"] == {"total": 2, "succeeded": 1, "failed": 1}


def test_a_client_error_of_the_model_fails_its_chunk_with_the_models_words() -> None:
    world = World(
        lambda body, request: Failed(CLIENT_ERROR, b"no 2s") if b"2" in body else b"y\n",
        pipeline=ONE_BY_ONE,
    )
    world.drop("rows.csv", b"1\n2\n3\n")

    world.run()

    assert error_codes(world.lines("rows.csv")) == [None, "ModelError", None]
    (error,) = world.errors("rows.csv")
    assert (error["message"], error["attempts"]) == ("no 2s", 1)
    assert len(world.model.requests) == 3


def test_a_failure_of_an_endpoint_that_keeps_no_words_is_told_in_sagemakers() -> None:
    world = World(lambda body, request: Failed(CLIENT_ERROR, b"lost"))
    world.model.failure_path = False
    world.drop("rows.csv", b"1\n")

    world.run()

    assert world.errors("rows.csv")[0]["message"] == CLIENT_ERROR


def test_a_server_error_is_retried_up_to_the_maximum_attempts() -> None:
    world = World(
        lambda body, request: Failed(SERVER_ERROR) if b"2" in body else b"y\n",
        pipeline=ONE_BY_ONE + "retry: {maximum_attempts: 4, initial_interval: 10s}\n",
    )
    world.drop("rows.csv", b"1\n2\n")
    began = world.clock()

    world.run()

    assert error_codes(world.lines("rows.csv")) == [None, "ModelError"]
    assert world.errors("rows.csv")[0]["attempts"] == 4
    assert world.manifest("rows.csv")["status"] == "PARTIAL"
    assert world.manifest("rows.csv")["retries"] == 3
    assert world.clock() - began == 10 + 20 + 40


def test_a_server_error_that_passes_leaves_no_trace_in_the_output() -> None:
    def once_unwell(body: bytes, request: Request) -> Response:
        return Failed(SERVER_ERROR) if request.inference_id.split(":")[2] == "1" else b"y\n"

    world = World(once_unwell)
    world.drop("rows.csv", b"1\n")

    world.run()

    assert world.lines("rows.csv") == ["y"]
    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"
    assert world.manifest("rows.csv")["attempts"] == 2


def throttling(times: int):
    left = iter(range(times))

    def behaviour(_request: Request) -> None:
        if next(left, None) is not None:
            raise InvocationError(Trouble(Kind.UNAVAILABLE, "ThrottlingException", "Rate exceeded"))

    return behaviour


def test_throttles_delay_a_chunk_but_cost_it_no_attempts() -> None:
    world = World(pipeline="invoke: {endpoint: demo}\nretry: {maximum_attempts: 1}\n")
    world.model.behaviour = throttling(7)
    world.drop("rows.csv", b"1\n")
    began = world.clock()

    world.run()

    assert world.lines("rows.csv") == ["y(1)"]
    assert world.manifest("rows.csv")["attempts"] == 1
    assert world.clock() - began == 2 + 4 + 8 + 16 + 32 + 64 + 128
    assert world.journal.count("ChunkPaused") == 7


def test_a_model_that_stays_busy_expires_its_records_at_the_deadline() -> None:
    world = World(pipeline="invoke: {endpoint: demo}\ndeadline: 10m\n")
    world.model.behaviour = throttling(10**6)
    world.drop("rows.csv", b"1\n2\n")
    began = world.clock()

    world.run()

    assert error_codes(world.lines("rows.csv")) == ["DeadlineExceeded"] * 2
    assert world.manifest("rows.csv")["status"] == "EXPIRED"
    assert world.manifest("rows.csv")["failure"]["code"] == "DeadlineExceeded"
    assert world.clock() - began < 600


def test_a_chunk_that_comes_after_the_deadline_is_not_sent_and_the_rest_is_delivered() -> None:
    delays = {"invoke": iter([0.0, 700.0])}
    world = World(
        pipeline=ONE_BY_ONE + "deadline: 10m\n",
        delays=lambda queue: [next(delays[queue])] if queue in delays else [0.0],
    )
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert error_codes(world.lines("rows.csv")) == [None, "DeadlineExceeded"]
    assert world.manifest("rows.csv")["status"] == "EXPIRED"
    assert world.errors("rows.csv")[0]["attempts"] == 0
    assert len(world.model.requests) == 1


@pytest.mark.parametrize("answer", [b"", b"y\ny\n", b"y\ny\ny\n"])
def test_a_wrong_number_of_results_fails_the_record(answer: bytes) -> None:
    world = World(lambda body, request: answer)
    world.drop("rows.csv", b"1\n")

    world.run()

    assert error_codes(world.lines("rows.csv")) == ["WrongResultCount"]


def test_an_answer_with_too_few_results_is_looked_at_record_by_record() -> None:
    world = World(lambda body, request: b"y\n")
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert world.lines("rows.csv") == ["y", "y"]
    assert len(world.model.requests) == 3


@pytest.mark.parametrize("answer", [b"{", b'{"other": 1}', b"3", b"\xff", b"[" * 100_000])
def test_a_response_that_cannot_be_read_fails_the_chunk(answer: bytes) -> None:
    world = World(lambda body, request: Answered(answer, "application/json"))
    world.drop("rows.csv", b"1\n")

    world.run()

    assert error_codes(world.lines("rows.csv")) == ["UnreadableResponse"]


def test_an_endpoint_that_refuses_the_call_fails_the_job_without_retries() -> None:
    world = World()
    world.model.behaviour = refuse
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert error_codes(world.lines("rows.csv")) == ["ValidationError"] * 2
    assert world.manifest("rows.csv")["failure"] == {
        "code": "ValidationError",
        "message": "no endpoint; check `invoke` in the pipeline file; "
        "`penstock connect` compares it with the endpoint",
    }
    assert len(world.model.requests) == 1


def test_an_endpoint_that_refuses_every_call_is_asked_a_few_times_only() -> None:
    world = World(pipeline=ONE_BY_ONE)
    world.model.behaviour = refuse
    world.drop("rows.csv", b"1\n2\n3\n4\n")

    world.run().sweep()

    assert world.manifest("rows.csv")["status"] == "FAILED"
    assert error_codes(world.lines("rows.csv")) == ["ValidationError"] * 4
    assert len(world.model.requests) == 1


def refuse(_request: Request) -> None:
    raise InvocationError(Trouble(Kind.PERMANENT, "ValidationError", "no endpoint"))


def test_a_record_too_long_to_hold_gets_an_error_line_that_quotes_its_beginning() -> None:
    size = LARGEST_CHUNK + 1
    world = World(region_bytes=16 * 1024**2)
    world.drop("long.txt", b"1\n" + b"x" * size + b"\n3\n")

    world.run()

    assert world.lines("long.txt")[0] == "y(1)"
    assert error_codes(world.lines("long.txt")) == [None, "RecordTooLarge", None]
    (error,) = world.errors("long.txt")
    assert (error["start"], error["end"], error["attempts"]) == (2, size + 3, 0)
    assert error["input_truncated"]
    assert error["input"] == "x" * 8192


def test_a_failed_record_in_the_middle_is_found_at_its_bytes() -> None:
    body = b'1,a\r\n\r\n2,"b\nb"\r\n3,c\n'
    world = World(
        lambda body, request: Failed(CLIENT_ERROR) if b"b" in body else model(body, request),
        pipeline=ONE_BY_ONE,
    )
    world.drop("rows.csv", body)

    world.run()

    (error,) = world.errors("rows.csv")
    assert body[error["start"] : error["end"]] == error["input"].encode() == b'2,"b\nb"'


def with_one_failure(output: str, body: bytes = b"1\n2\n3\n4\n") -> World:
    world = World(
        lambda body, request: Failed(CLIENT_ERROR) if b"2" in body else b"y\n",
        pipeline=ONE_BY_ONE + output,
    )
    world.drop("rows.csv", body)
    return world.run()


def test_inline_errors_stand_in_the_place_of_their_records() -> None:
    world = with_one_failure("output: {on_error: inline}\n")

    assert error_codes(world.lines("rows.csv")) == [None, "ModelError", None, None]


def test_omitted_errors_are_only_in_the_error_file() -> None:
    world = with_one_failure("output: {on_error: omit}\n")

    assert world.lines("rows.csv") == ["y", "y", "y"]
    assert [error["record"] for error in world.errors("rows.csv")] == [1]
    assert world.manifest("rows.csv")["records"] == {"total": 4, "succeeded": 3, "failed": 1}


def test_on_error_fail_fails_the_job_and_still_delivers_what_was_predicted() -> None:
    world = with_one_failure("output: {on_error: fail}\n")

    assert world.manifest("rows.csv")["status"] == "FAILED"
    assert world.manifest("rows.csv")["failure"]["code"] == "RecordsFailed"
    assert error_codes(world.lines("rows.csv")) == [None, "ModelError", None, None]
    assert world.announcer.jobs[0][1] is False


@pytest.mark.parametrize(
    ("tolerated", "status"), [(24, "FAILED"), (25, "PARTIAL"), (0, "FAILED"), (100, "PARTIAL")]
)
def test_a_job_fails_beyond_its_tolerance(tolerated: int, status: str) -> None:
    world = with_one_failure(f"tolerated_failure_percentage: {tolerated}\n")

    assert world.manifest("rows.csv")["status"] == status
    assert error_codes(world.lines("rows.csv")) == [None, "ModelError", None, None]


def test_no_errors_leave_no_error_file() -> None:
    world = World()
    world.drop("rows.csv", b"1\n")

    world.run()

    assert world.objects.keys("output") == ["rows.csv.manifest.json", "rows.csv.out"]


def test_the_answer_of_an_endpoint_that_lost_it_is_an_error_line() -> None:
    world = World()
    world.drop("rows.csv", b"1\n")
    world.before_delivery = lambda due: (
        world.objects.delete("work", "async/output/000000.out") if due.queue == "results" else None
    )

    world.run()

    assert error_codes(world.lines("rows.csv")) == ["ObjectNotFound"]


def test_a_job_whose_records_do_not_add_up_fails_loudly() -> None:
    world = World()
    job_id = world.drop("rows.csv", b"1\n2\n")

    def lose_a_record(due) -> None:
        job = world.table.jobs.get(job_id)
        if due.queue == "assemble" and job and job.status is JobStatus.RUNNING and job.totals:
            world.table.update_job(job_id, frozenset(), totals=type(job.totals)(3, 1, 1))

    world.before_delivery = lose_a_record
    world.run()

    assert world.manifest("rows.csv")["failure"]["code"] == "ConservationViolated"
    assert world.announcer.jobs[0][1] is False


def test_a_busy_model_is_asked_again_at_no_cost_in_attempts() -> None:
    busy = "ClientError: Received client error (429) from model. See the logs."
    answers = iter([Failed(busy), Failed(busy)])
    pipeline = ONE_BY_ONE + "retry: {maximum_attempts: 1}\n"
    world = World(lambda body, request: next(answers, model(body, request)), pipeline=pipeline)
    world.drop("rows.csv", b"1\n")

    world.run()

    assert world.lines("rows.csv") == ["y(1)"]
    assert world.manifest("rows.csv")["attempts"] == 1
