"""Multi-model endpoints: the model's name is fixed, in the key, or in each record."""

import json

import pytest

from penstock.domain.invoke import CALLS_WITHIN
from penstock.domain.trouble import InvocationError, Kind, Trouble
from penstock.ports import SyncRequest
from tests.unit.use_cases.world import CLIENT_ERROR, Failed, Request, Response, World

BY_FIELD = """
invoke: {mode: realtime, endpoint: many, target_model: "{model}.tar.gz"}
input: {model_field: shop}
"""
BY_COLUMN = """
invoke: {mode: realtime, endpoint: many, target_model: "{model}.tar.gz"}
input: {model_field: 1}
"""
BY_KEY = """
invoke: {mode: realtime, endpoint: many, target_model: "{model}.tar.gz"}
input: {key_pattern: "{model}/*"}
"""
NOT_READY = Trouble(Kind.UNAVAILABLE, "ModelNotReadyException", "loading")


def telling(body: bytes, request: Request) -> Response:
    """Each record with the name of the model that it came to."""
    assert isinstance(request, SyncRequest)
    lines = body.decode().splitlines()
    name = (request.target.model or "none").removesuffix(".tar.gz")
    if request.content_type == "application/jsonlines":
        answers = [json.dumps({"by": name, "got": json.loads(line)}) for line in lines]
    else:
        answers = [f"{name}<{line.replace(',', ' ')}" for line in lines]
    return "".join(f"{each}\n" for each in answers).encode()


def models_of(world: World) -> list[str | None]:
    return [each.target.model for each in world.model.requests if isinstance(each, SyncRequest)]


def test_a_fixed_model_is_asked_for_all_records() -> None:
    pipeline = "invoke: {mode: realtime, endpoint: many, target_model: churn.tar.gz}\n"
    world = World(telling, region_bytes=1000, pipeline=pipeline)
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert world.lines("rows.csv") == ["churn<1", "churn<2"]
    assert models_of(world) == ["churn.tar.gz"]


def test_the_key_names_the_model_below_the_pipelines_prefix() -> None:
    world = World(telling)
    world.put("regions/_pipeline.yaml", BY_KEY)
    world.drop("regions/north/june.csv", b"1\n")

    world.run()

    assert world.lines("regions/north/june.csv") == ["north<1"]
    assert world.job_of("regions/north/june.csv").pipeline.invoke.target.model == "north.tar.gz"


@pytest.mark.parametrize("key", ["regions/june.csv", "regions/a/b/june.csv"])
def test_a_key_that_doesnt_fit_fails_its_job_with_the_pattern(key: str) -> None:
    world = World(telling)
    world.put("regions/_pipeline.yaml", BY_KEY)
    world.drop(key, b"1\n")

    world.run()

    failure = world.manifest(key)["failure"]
    assert failure["code"] == "NoModelName"
    assert "regions/{model}/*" in failure["message"]
    assert world.model.requests == []


def test_records_of_several_models_come_back_in_the_order_of_the_file() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_FIELD)
    shops = ["berlin", "rome", "berlin", "oslo", "rome", "berlin"]
    rows = [json.dumps({"shop": shop, "n": n}) for n, shop in enumerate(shops)]
    world.drop("sales.jsonl", "\n".join(rows).encode())

    world.run()

    lines = [json.loads(line) for line in world.lines("sales.jsonl")]
    assert lines == [{"by": shop, "got": {"n": n}} for n, shop in enumerate(shops)]
    assert models_of(world) == ["berlin.tar.gz", "rome.tar.gz", "oslo.tar.gz"]


def test_a_column_names_the_model_and_is_not_sent() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_COLUMN)
    world.drop("rows.csv", b'1,berlin,"a, b"\n2,rome,c\n')

    world.run()

    assert world.lines("rows.csv") == ['berlin<1 "a  b"', "rome<2 c"]


def test_a_model_may_answer_a_record_with_an_empty_line() -> None:
    def silent(body: bytes, request: Request) -> Response:
        return b"".join(line[1:] + b"\n" for line in body.splitlines())

    pipeline = BY_COLUMN.replace("endpoint: many", "endpoint: many, accept: text/plain")
    world = World(silent, region_bytes=1000, pipeline=pipeline)
    world.drop("rows.csv", b"1,berlin\n23,rome\n4,berlin\n")

    world.run()

    assert world.lines("rows.csv") == ["", "3", ""]
    assert world.manifest("rows.csv")["status"] == "SUCCEEDED"


def test_a_column_is_found_by_its_name_and_the_header_is_sent_without_it() -> None:
    named = BY_FIELD.replace("{model_field", "{header: send, model_field")

    def heading(body: bytes, request: Request) -> Response:
        header, rest = body.split(b"\n", 1)
        assert header == b"id,note"
        return telling(rest, request)

    world = World(heading, pipeline=named)
    world.drop("rows.csv", b"id,shop,note\n1,berlin,a\n2,rome,b\n")

    world.run()

    assert world.lines("rows.csv") == ["berlin<1 a", "rome<2 b"]


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        (b"\xef\xbb\xbfshop,id", b"id"),  # the mark is no part of a column's name
        (b"shop,gr\xf6\xdfe", b"gr\xf6\xdfe"),  # Latin-1: only records must be UTF-8
    ],
)
def test_a_header_in_any_encoding_is_sent_as_it_is(header: bytes, sent: bytes) -> None:
    named = BY_FIELD.replace("{model_field", "{header: send, model_field")
    headers = []

    def heading(body: bytes, request: Request) -> Response:
        header, rest = body.split(b"\n", 1)
        headers.append(header)
        return telling(rest, request)

    world = World(heading, pipeline=named)
    world.drop("rows.csv", header + b"\nberlin,1\n")

    world.run()

    assert world.lines("rows.csv") == ["berlin<1"]
    assert headers == [sent]


def test_a_header_without_the_column_fails_the_job_with_the_columns_that_it_has() -> None:
    named = BY_FIELD.replace("{model_field", "{header: true, model_field")
    world = World(telling, region_bytes=1000, pipeline=named + "chunk: {max_records: 1}\n")
    world.drop("rows.csv", b"id,store\n" + b"1,berlin\n" * 20)

    world.run()
    world.sweep()

    failure = world.manifest("rows.csv")["failure"]
    assert failure["code"] == "NoModelColumn"
    assert "id, store" in failure["message"]
    assert world.model.requests == []


def test_the_field_is_sent_if_the_pipeline_says_so() -> None:
    world = World(
        telling, pipeline=BY_FIELD.replace("{model_field", "{send_model_field: true, model_field")
    )
    world.drop("sales.jsonl", b'{"shop": "rome", "n": 1.10}\n')

    world.run()

    assert world.model.requests[0].body == b'{"shop": "rome", "n": 1.10}\n'


def test_the_other_fields_are_sent_to_the_letter() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_FIELD)
    world.drop("sales.jsonl", b'{ "n":1.10 ,"shop" : "rome", "big": 1e400, "t": "\\u00e9,}" }\n')

    world.run()

    assert world.model.requests[0].body == b'{"n":1.10,"big": 1e400,"t": "\\u00e9,}"}\n'


def test_a_record_that_names_no_model_costs_only_itself() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_FIELD)
    rows = [b'{"shop": "rome", "n": 1}', b'{"n": 2}', b'{"shop": "../x", "n": 3}', b"[4]"]
    world.drop("sales.jsonl", b"\n".join([*rows, b'{"shop": "rome", "n": 5}']))

    world.run()

    errors = world.errors("sales.jsonl")
    assert [(each["record"], each["error"]) for each in errors] == [
        (1, "NoModelName"),
        (2, "BadModelName"),
        (3, "NoModelName"),
    ]
    assert errors[0]["input"] == '{"n": 2}'
    assert json.loads(world.lines("sales.jsonl")[4]) == {"by": "rome", "got": {"n": 5}}
    assert len(world.model.requests) == 1


def test_a_model_that_the_endpoint_doesnt_have_costs_only_its_records() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_COLUMN)
    missing = "Failed to download model data (bucket: b, key: atlantis.tar.gz)"

    def behaviour(request: Request) -> None:
        if isinstance(request, SyncRequest) and request.target.model == "atlantis.tar.gz":
            raise InvocationError(Trouble(Kind.PERMANENT, "ValidationError", missing))

    world.model.behaviour = behaviour
    world.drop("rows.csv", b"1,rome\n2,atlantis\n3,rome\n4,atlantis\n")

    world.run()

    errors = world.errors("rows.csv")
    assert [(each["record"], each["error"]) for each in errors] == [
        (1, "ModelNotFound"),
        (3, "ModelNotFound"),
    ]
    assert "atlantis.tar.gz" in errors[0]["message"]
    assert len(world.model.requests) == 2


def test_an_endpoint_that_refuses_the_call_fails_the_job_all_the_same() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_COLUMN + "chunk: {max_records: 1}\n")

    def behaviour(_request: Request) -> None:
        message = "Endpoint many is not a multi-model endpoint"
        raise InvocationError(Trouble(Kind.PERMANENT, "ValidationError", message))

    world.model.behaviour = behaviour
    world.drop("rows.csv", b"1,rome\n" * 50)

    world.run()
    world.sweep()

    assert world.manifest("rows.csv")["failure"]["code"] == "ValidationError"
    assert len(world.model.requests) == 1


def test_a_record_that_its_model_refuses_is_found_among_those_of_others() -> None:
    def picky(body: bytes, request: Request) -> Response:
        return Failed(CLIENT_ERROR, b"no 3s") if b"3" in body else telling(body, request)

    world = World(picky, pipeline=BY_COLUMN)
    world.drop("rows.csv", b"1,rome\n2,oslo\n3,rome\n4,oslo\n5,rome\n6,rome\n")

    world.run()

    (error,) = world.errors("rows.csv")
    assert (error["record"], error["message"]) == (2, "no 3s")
    assert world.lines("rows.csv")[3:] == ["oslo<4", "rome<5", "rome<6"]


def test_models_that_have_answered_are_not_asked_again_while_another_is_loading() -> None:
    world = World(telling, region_bytes=1000, pipeline=BY_COLUMN)
    times: dict[str | None, int] = {}

    def behaviour(request: Request) -> None:
        assert isinstance(request, SyncRequest)
        times[request.target.model] = times.get(request.target.model, 0) + 1
        if request.target.model == "cold.tar.gz" and times["cold.tar.gz"] < 3:
            raise InvocationError(NOT_READY)

    world.model.behaviour = behaviour
    world.drop("rows.csv", b"1,cold\n2,warm\n3,cold\n4,hot\n")

    world.run()

    assert world.lines("rows.csv") == ["cold<1", "warm<2", "cold<3", "hot<4"]
    assert times == {"cold.tar.gz": 3, "warm.tar.gz": 1, "hot.tar.gz": 1}
    assert world.manifest("rows.csv")["attempts"] == 1


def test_many_slow_models_are_asked_in_several_turns() -> None:
    def slow(body: bytes, request: Request) -> Response:
        world.clock.advance(CALLS_WITHIN / 4)
        return telling(body, request)

    world = World(slow, pipeline=BY_COLUMN)
    rows = b"".join(b"%d,m%d\n" % (number, number) for number in range(10))
    world.drop("rows.csv", rows)

    world.run()

    assert world.lines("rows.csv") == [f"m{number}<{number}" for number in range(10)]
    assert len(world.model.requests) == 10
    assert world.manifest("rows.csv")["attempts"] == 1
    assert world.journal.count("LimitSet") == 0


def test_selections_are_made_once() -> None:
    def wrapped(body: bytes, request: Request) -> Response:
        rows = [json.loads(line) for line in body.decode().splitlines()]
        return json.dumps({"out": [{"p": row["n"]} for row in rows]}).encode()

    pipeline = BY_FIELD.replace("many,", "many, accept: application/json,")
    world = World(wrapped, pipeline=pipeline + "output: {select: 'out[*].p', join: input}\n")
    world.drop("sales.jsonl", b'{"shop": "rome", "n": 1}\n{"shop": "oslo", "n": 2}\n')

    world.run()

    assert [json.loads(line)["SageMakerOutput"] for line in world.lines("sales.jsonl")] == [1, 2]
