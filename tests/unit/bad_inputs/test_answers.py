"""What a model, or SageMaker in its place, answers wrongly.

The user gets an error line for the record, in the output and in the error file; where the call
itself fails, as it would for every other record, the job fails and says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from penstock.domain.trouble import InvocationError, call_trouble
from penstock.use_cases.accept_answer import LARGEST_RESPONSE
from tests.unit.use_cases.world import (
    CLIENT_ERROR,
    SERVER_ERROR,
    Answered,
    Failed,
    Request,
    Response,
    World,
)

ENDPOINT = "invoke: {endpoint: demo}\n"
JSON = "application/json"
LINES = "application/jsonlines"
SET_ACCEPT = "set invoke.accept to what the model answers"


@dataclass(frozen=True)
class Case:
    """A record, and what is answered for it, whenever it is asked."""

    answer: Response
    code: str
    says: tuple[str, ...]
    pipeline: str = ENDPOINT
    attempts: int = 1


CASES = {
    # how many
    "no results": Case(
        b"",
        "WrongResultCount",
        ("answered 0 results for 1 records; it must answer one per record, in order",),
    ),
    "too many results": Case(b"a\nb\n", "WrongResultCount", ("answered 2 results for 1 records",)),
    "results under a header": Case(
        Answered(b"label\n7\n", "text/csv"), "WrongResultCount", ("2 results for 1 records",)
    ),
    "an empty list": Case(Answered(b"[]", JSON), "WrongResultCount", ("0 results for 1 records",)),
    # what content type
    "text that says it is JSON": Case(
        Answered(b"seven\n", JSON),
        "UnreadableResponse",
        ("the response is not JSON: Expecting value at character 1", SET_ACCEPT),
    ),
    "nothing that says it is JSON": Case(
        Answered(b"", JSON), "UnreadableResponse", ("is not JSON: Expecting value", SET_ACCEPT)
    ),
    "JSON that breaks off": Case(
        Answered(b'{"predictions": [1', JSON), "UnreadableResponse", ("at character 19", SET_ACCEPT)
    ),
    "an object without predictions": Case(
        Answered(b'{"scores": [1]}', JSON),
        "UnreadableResponse",
        ("holds no list of results", "set output.select to the JMESPath of the list"),
    ),
    "a number": Case(Answered(b"7", JSON), "UnreadableResponse", ("no list", "output.select")),
    "JSON that is not UTF-8": Case(
        Answered(b'["caf\xe9"]', JSON),
        "UnreadableResponse",
        ("byte 5 of the response is not UTF-8; have the model answer in it",),
    ),
    "JSON nested too deeply": Case(
        Answered(b"[" * 501 + b"]" * 501, JSON),
        "UnreadableResponse",
        ("the response is nested more than 500 levels deep",),
    ),
    "JSON nested much too deeply": Case(
        Answered(b"[" * 100_000, JSON),
        "UnreadableResponse",
        ("the response is nested more than 500 levels deep",),
    ),
    # how much
    "more bytes than are read": Case(
        b"x" * (LARGEST_RESPONSE + 1),
        "ObjectTooLarge",
        ("async/output/000000.out exceeds 67108864 bytes; choose smaller chunks",),
    ),
    "more values than fit": Case(
        Answered(b"[" + b"{}," * 1_000_000 + b"{}]", JSON),
        "ObjectTooLarge",
        ("the response holds so many values", "256 MiB; choose smaller chunks"),
    ),
    # output.select
    "an answer in which the selection finds nothing": Case(
        Answered(b'{"scores": [1]}', JSON),
        "UnreadableResponse",
        ("holds no list of results",),
        ENDPOINT + "output: {select: 'labels[*]'}\n",
    ),
    "an answer that the selection fails on": Case(
        Answered(b'{"labels": [{"score": "high"}]}', JSON),
        "BadSelection",
        ("'labels[?score > `0.5`]' failed on the answer", "'>' not supported between"),
        ENDPOINT + "output: {select: 'labels[?score > `0.5`]'}\n",
    ),
    "a line of an answer that is no JSON": Case(
        Answered(b"seven\n", LINES),
        "UnreadableResponse",
        ("the response is not JSON", SET_ACCEPT),
        ENDPOINT + "output: {select: label}\n",
    ),
    # failures
    "a refusal with the model's words": Case(
        Failed(CLIENT_ERROR, b'{"reason": "no 2s"}'), "ModelError", ('{"reason": "no 2s"}',)
    ),
    "a refusal without a word": Case(
        Failed(CLIENT_ERROR), "ModelError", ("Received client error (400) from model",)
    ),
    "a refusal in bytes that are no text": Case(
        Failed(CLIENT_ERROR, b"\xff\x00"), "ModelError", ("\ufffd\x00",)
    ),
    "a refusal in ten thousand words": Case(
        Failed(CLIENT_ERROR, b"no " * 10_000), "ModelError", ("no no no",)
    ),
    "a server error that stays": Case(
        Failed(SERVER_ERROR), "ModelError", ("Received server error (500)",), attempts=6
    ),
    "a failure without a reason": Case(
        Failed(""), "InferenceFailed", ("SageMaker gave no reason",), attempts=6
    ),
    "a failure for a reason that nobody knows": Case(
        Failed("the dog ate it"), "InferenceFailed", ("the dog ate it",), attempts=6
    ),
    "a failure whose status has five thousand digits": Case(
        Failed(f"error ({'9' * 5000}) from model"), "InferenceFailed", ("error (999",), attempts=6
    ),
    "a failure that would colour a terminal": Case(
        Failed("\x1b[31m\ud800"), "InferenceFailed", ("\\x1b[31m\\ud800",), attempts=6
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_bad_answer_is_an_error_line_that_says_what_is_wrong_with_it(case: Case) -> None:
    world = World(lambda _body, _request: case.answer, pipeline=case.pipeline)
    world.drop("in/rows.txt", b"a record\n")

    world.run()

    (error,) = world.errors("in/rows.txt")
    assert (error["error"], error["attempts"]) == (case.code, case.attempts)
    assert all(each in error["message"] for each in case.says), error["message"]
    assert len(error["message"]) <= 1000
    assert (error["record"], error["input"]) == (0, "a record")
    assert error["error"] in world.lines("in/rows.txt")[0]
    failure = world.manifest("in/rows.txt")["failure"]
    assert failure == {
        "code": "NothingSucceeded",
        "message": "no record was predicted; the error file says why",
    }
    assert world.dead_letters == []


@pytest.mark.parametrize(
    ("wrong", "failed"),
    # Of the bad record alone, one result is the right number.
    [(b"a\n", []), (b"a\nb\nc\nd\n", [1]), (b"", [1])],
    ids=["fewer", "more", "none"],
)
def test_a_wrong_number_of_results_costs_only_the_record_to_blame(
    wrong: bytes, failed: list[int]
) -> None:
    def miscount(body: bytes, _request: Request) -> Response:
        return wrong if b"bad" in body else b"y\n" * body.count(b"\n")

    world = World(miscount)
    world.drop("in/rows.txt", b"1\nbad\n3\n")

    world.run()

    lines = world.lines("in/rows.txt")
    assert [n for n, line in enumerate(lines) if "WrongResultCount" in line] == failed
    assert (lines[0], lines[2]) == ("y", "y")


Happens = Callable[[World], None]


def lost(world: World) -> None:
    world.objects.delete("work", "async/output/000000.out")


def locked(world: World) -> None:
    world.objects.denied.add(("work", "async/output/000000.out"))


@pytest.mark.parametrize(
    ("happens", "code", "remedy"),
    [
        (lost, "ObjectNotFound", "drop the file again"),
        (locked, "AccessDenied", "let the stack's functions read it"),
    ],
    ids=["is gone", "may not be read"],
)
def test_an_answer_that(happens: Happens, code: str, remedy: str) -> None:
    world = World()
    world.drop("in/rows.txt", b"1\n")
    world.before_delivery = lambda due: happens(world) if due.queue == "results" else None

    world.run()

    (error,) = world.errors("in/rows.txt")
    assert error["error"] == code
    assert "s3://work/async/output/000000.out" in error["message"]
    assert remedy in error["message"]


REFUSED_CALLS = {
    "an endpoint that there is not": (
        ("ValidationError", 400, "Endpoint demo of account 1 not found."),
        "not found.; mend `invoke.endpoint`, or wait until it is in service",
    ),
    "an endpoint that the stack may not call": (
        ("AccessDeniedException", 403, "not authorized to perform: sagemaker:InvokeEndpointAsync"),
        "the stack may call its EndpointName and what EndpointNamePattern matches",
    ),
}


@pytest.mark.parametrize(("error", "says"), REFUSED_CALLS.values(), ids=REFUSED_CALLS)
def test_a_call_that_is_refused_fails_the_job(error: tuple[str, int, str], says: str) -> None:
    def refuse(_request: Request) -> None:
        raise InvocationError(call_trouble(*error))

    world = World(pipeline=ENDPOINT + "chunk: {max_records: 1}\n")
    world.model.behaviour = refuse
    world.drop("in/rows.txt", b"1\n2\n3\n")

    world.run()

    failure = world.manifest("in/rows.txt")["failure"]
    assert failure["code"] == error[0]
    assert says in failure["message"]
    assert [each["error"] for each in world.errors("in/rows.txt")] == [error[0]] * 3


def test_an_endpoint_that_answers_to_another_bucket_fails_the_job_with_the_path_to_set() -> None:
    world = World(pipeline=ENDPOINT + "chunk: {max_records: 1}\n")
    world.model.bucket = "elsewhere"
    world.drop("in/rows.txt", b"1\n2\n")

    world.run()

    failure = world.manifest("in/rows.txt")["failure"]
    assert failure["code"] == "ForeignOutputPath"
    assert failure["message"] == (
        "endpoint demo answers to s3://elsewhere/async/output/000000.out; "
        "set the S3OutputPath of its configuration to s3://work/async/output"
    )
    assert len(world.model.requests) == 1


def test_half_of_a_surrogate_pair_in_an_answer_is_written_as_its_escape() -> None:
    world = World(lambda _body, _request: Answered(b'["\\ud800"]', JSON))
    world.drop("in/rows.txt", b"1\n")

    world.run()

    assert world.lines("in/rows.txt") == ['"\\ud800"']
