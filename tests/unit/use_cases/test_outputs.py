"""What is delivered: lines, manifest, word to the user."""

import json
from typing import Any

import pytest

from penstock.ports import AsyncRequest
from penstock.use_cases.piece_writer import PART
from tests.unit.use_cases.world import Answered, Due, Request, World, model

DEMO = "invoke: {endpoint: demo}\n"


def test_joined_csv_has_each_result_behind_its_row() -> None:
    world = World(pipeline=DEMO + "output: {join: input}\n")
    world.drop("rows.csv", b'1,"a\nb"\r\n2,c\n')

    world.run()

    assert world.output("rows.csv") == b'1,"a\nb",y(1|a~b)\n2,c,y(2|c)\n'


def test_joined_json_lines_are_as_batch_transform_joins_them() -> None:
    world = World(pipeline=DEMO + "output: {join: input}\n")
    world.drop("data.jsonl", b'{"a":1}\n[2]\nnonsense\n')

    world.run()

    joined, beside, refused = [json.loads(line) for line in world.lines("data.jsonl")]
    assert joined == {"a": 1, "SageMakerOutput": {"y": {"a": 1}}}
    assert beside == {"SageMakerInput": [2], "SageMakerOutput": {"y": [2]}}
    assert refused["SageMakerInput"] == "nonsense"
    assert refused["SageMakerOutput"]["error"] == "InvalidJson"


def test_joined_text_has_a_tab_between_line_and_result() -> None:
    world = World(pipeline=DEMO + "output: {join: input}\n")
    world.drop("notes.txt", b"one\ntwo\n")

    world.run()

    assert world.output("notes.txt") == b"one\ty(one)\ntwo\ty(two)\n"


def test_select_finds_the_results_in_a_json_response() -> None:
    world = World(
        lambda body, request: Answered(
            b'{"out": [{"p": 0.5, "q": 1}, {"p": 1}]}', "application/json"
        ),
        pipeline=DEMO + "output: {select: 'out[*].p'}\n",
    )
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert world.lines("rows.csv") == ["0.5", "1"]


def test_json_lines_go_to_a_json_model_as_instances() -> None:
    world = World(pipeline="invoke: {endpoint: demo, content_type: application/json}\n")
    world.drop("data.jsonl", b'{"a": 1}\n2\n')

    world.run()

    assert world.model.requests[0].body == b'{"instances":[{"a": 1},2]}'
    assert world.lines("data.jsonl") == ['{"a":1}', "2"]


def test_a_request_carries_what_the_pipeline_says() -> None:
    world = World(
        pipeline="""
invoke:
  endpoint: churn
  content_type: text/csv
  accept: text/plain
  custom_attributes: tier=gold
  timeout: 20m
  queue_timeout: 1h
"""
    )
    job_id = world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert world.model.requests == [
        AsyncRequest(
            endpoint="churn",
            inference_id=f"{job_id}:00000.0000:1:2:1",
            content_type="text/csv",
            accept="text/plain",
            timeout=1200,
            queue_timeout=3600,
            custom_attributes="tier=gold",
            body=b"1\n2\n",
        )
    ]


def test_a_request_beyond_the_inline_limit_is_staged() -> None:
    rows = b"x" * 99 + b"\n"
    world = World(pipeline=DEMO + "chunk: {max_records: 10000}\n", region_bytes=10**6)
    job_id = world.drop("lines.txt", rows * 1281)

    world.run()

    (request,) = world.model.requests
    assert request.body is None
    assert request.input_location == f"s3://work/async/input/{job_id}/00000.0000/1"
    assert world.manifest("lines.txt")["records"]["succeeded"] == 1281


def test_the_manifest_accounts_for_the_job() -> None:
    world = World(pipeline=DEMO + "chunk: {max_records: 1}\n")
    job_id = world.drop("in/data.jsonl", b"1\n2\n{\n")

    world.run()

    manifest = world.manifest("in/data.jsonl")
    assert manifest["job_id"] == job_id
    assert manifest["status"] == "PARTIAL"
    assert manifest["input"]["key"] == "in/data.jsonl"
    assert manifest["records"] == {"total": 3, "succeeded": 2, "failed": 1}
    assert (manifest["chunks"], manifest["attempts"], manifest["retries"]) == (3, 2, 0)
    assert manifest["outputs"]["predictions"]["size"] == len(world.output("in/data.jsonl"))
    assert manifest["outputs"]["errors"]["key"] == "in/data.jsonl.errors.jsonl"
    assert manifest["pipeline"]["invoke"]["endpoint"] == "demo"


def test_the_manifest_is_written_last() -> None:
    world = World()
    world.drop("data.jsonl", b"1\n{\n")

    world.run()

    written = [key for bucket, key in world.objects.history if bucket == "output"]
    assert written == ["data.jsonl.out", "data.jsonl.errors.jsonl", "data.jsonl.manifest.json"]


@pytest.mark.parametrize(
    ("body", "status", "successful"),
    [(b"1\n", "SUCCEEDED", True), (b"1\n{\n", "PARTIAL", True), (b"{\n", "FAILED", False)],
)
def test_the_end_of_a_job_is_announced_once(body: bytes, status: str, successful: bool) -> None:
    world = World()
    job_id = world.drop("in/data.jsonl", body)

    world.run()

    ((summary, told_as_success),) = world.announcer.jobs
    assert told_as_success is successful
    assert summary["job_id"] == job_id
    assert summary["status"] == status
    assert summary["input"] == "s3://input/in/data.jsonl"
    assert summary["pipeline"] == "stack parameters"
    assert summary["manifest"] == "s3://output/in/data.jsonl.manifest.json"
    assert world.job(job_id).summary == summary


def test_an_output_of_many_mebibytes_is_composed_in_order() -> None:
    def verbose(body: bytes, request: Request) -> bytes:
        return b"".join(line + b"." * PART + b"\n" for line in body.split())

    world = World(verbose, region_bytes=6)
    world.drop("few.txt", b"aa\nbb\ncc\ndd\nee\n")

    world.run()

    assert world.output("few.txt") == verbose(b"aa bb cc dd ee", world.model.requests[0])
    assert world.objects.uploads == {}
    assert world.manifest("few.txt")["outputs"]["predictions"]["size"] == 5 * (PART + 3)


def test_a_model_may_answer_in_another_format_than_it_was_asked() -> None:
    world = World(
        lambda body, request: Answered(model(body, request), "text/csv; charset=utf-8"),
        pipeline="invoke: {endpoint: demo, accept: application/json}\n",
    )
    world.drop("rows.csv", b"1\n2\n")

    world.run()

    assert world.lines("rows.csv") == ["y(1)", "y(2)"]


class Overtaken:
    """A table; another function ends the job right before this one does."""

    def __init__(self, table: Any) -> None:
        self.table, self.world, self.overtaken = table, World(), False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def update_job(self, job_id: str, unless: Any, **fields: Any) -> bool:
        if "summary" in fields and not self.overtaken:
            self.overtaken = True
            self.world.clock.advance(5)
            message = {"kind": "finish", "job_id": job_id}
            self.world.deliver(Due(self.world.clock(), 0, "assemble", message))
        return bool(self.table.update_job(job_id, unless, **fields))


def test_two_functions_that_end_a_job_at_once_announce_what_stands() -> None:
    tables: list[Overtaken] = []

    def wrap(name: str, port: Any) -> Any:
        if name != "table":
            return port
        tables.append(Overtaken(port))
        return tables[-1]

    world = World(wrap=wrap)
    for table in tables:
        table.world = world
    world.drop("x.csv", b"1\n")

    world.run()

    ((summary, _),) = world.announcer.jobs
    (job,) = world.table.jobs.values()
    assert summary == job.summary
