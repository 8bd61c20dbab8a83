"""A job reads the file it is about, the pipeline files above it and the answers to it.

It writes outputs under the file's own key, and intermediate data under its own id: whatever the
file is called, and whatever anybody says to the stack's queues.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from penstock.domain.endpoint_names import EndpointNames
from penstock.domain.errors import PermanentError
from penstock.domain.job import JobStatus
from penstock.domain.locations import parse_answer_location
from penstock.domain.object_keys import OUTPUT_SUFFIXES, pipeline_candidates
from tests.unit.security.names import HOSTILE_KEYS
from tests.unit.security.witness import Witness
from tests.unit.use_cases.world import Due, World

BODY = b"".join(b"record %d\n" % number for number in range(20_000))  # too large to go in the call


def own_folders(job_id: str) -> Iterator[str]:
    """In the work bucket."""
    for folder in ("plans", "pieces", "async/input"):
        yield f"{folder}/{job_id}/"
    yield "async/output/"
    yield "async/failure/"


@pytest.mark.parametrize("key", HOSTILE_KEYS.values(), ids=HOSTILE_KEYS)
def test_whatever_a_file_is_called_its_job_stays_within_its_own_objects(key: str) -> None:
    witness = Witness()
    world = World(wrap=witness.around, region_bytes=100_000)
    job_id = world.drop(key, BODY)

    world.run()

    assert world.manifest(key)["status"] == "SUCCEEDED"
    allowed = {("input", key), *(("input", each) for each in pipeline_candidates(key))}
    outputs = {("output", key + suffix) for suffix in OUTPUT_SUFFIXES}
    folders = tuple(own_folders(job_id))
    for bucket, name in witness.read - allowed:
        assert bucket == "work" and name.startswith(folders)
    for bucket, name in witness.written - outputs:
        assert bucket == "work" and name.startswith(folders)
    assert world.dead_letters == []


FORGED = {
    "another bucket": "s3://other/async/output/secret.out",
    "another bucket, by its address": "https://other.s3.eu-west-1.amazonaws.com/async/output/x",
    "a bucket whose name begins alike": "s3://work-of-others/async/output/x",
    "the input bucket": "s3://input/other/rows.txt",
    "the output bucket": "s3://output/other/rows.txt.out",
    "a piece of another job": f"s3://work/pieces/{'0' * 20}/00000.out",
    "a plan of another job": f"s3://work/plans/{'0' * 20}/00000.json",
    "a request of another job": f"s3://work/async/input/{'0' * 20}/00000.0000/1",
    "a request, from above": "s3://work/async/output/../input/x",
    "a request, from above and encoded": (
        "https://work.s3.amazonaws.com/async/output/%2e%2e/input/x"
    ),
    "the work bucket in the path of another's": "https://s3.amazonaws.com/other/work/async/output/x",
    "the work bucket as a user of another host": "https://work@evil.example/async/output/x",
    "a host that is not AWS's": "https://evil.example/async/output/x",
    "the instance's own credentials": "http://169.254.169.254/latest/meta-data/iam/",
    "a file": "file:///etc/passwd",
    "a folder": "s3://work/async/output",
    "nothing": "",
    "a bucket": "s3://work",
    "an address that is none": "https://[::1",
}


@pytest.mark.parametrize("location", FORGED.values(), ids=FORGED)
def test_a_notification_cannot_have_another_object_read_than_an_answer(location: str) -> None:
    witness = Witness()
    world = World(wrap=witness.around)
    job_id = world.drop("in/rows.txt", b"one\n")
    forged = {
        "inferenceId": f"{job_id}:00000.0000:1:1:1",
        "invocationStatus": "Completed",
        "responseParameters": {"contentType": "text/plain", "outputLocation": location},
    }

    def forge(due: Due) -> None:
        if due.queue == "results" and due.document != forged:
            with pytest.raises(PermanentError) as caught:
                world.handlers["results"](forged)
            assert caught.value.code == "ForeignInference"

    world.before_delivery = forge
    world.run()

    assert world.lines("in/rows.txt") == ["y(one)"]
    assert {bucket for bucket, _ in witness.read} == {"input", "work"}
    answers = {key for bucket, key in witness.read if bucket == "work"}
    assert answers == {"async/output/000000.out", f"pieces/{job_id}/00000.out"}


@pytest.mark.parametrize(
    "location",
    [
        "s3://work/async/output/x.out",
        "s3://work/async/failure/x.out",
        "s3://work/async/elsewhere/deeper/x.out",
        "https://work.s3.eu-west-1.amazonaws.com/async/output/x.out",
        "https://s3.eu-west-1.amazonaws.com/work/async/output/x.out",
    ],
)
def test_answers_may_lie_wherever_an_endpoint_of_the_stack_may_write(location: str) -> None:
    bucket, key = parse_answer_location(location, "work")

    assert bucket == "work" and key.startswith("async/")


def test_the_event_of_another_bucket_starts_nothing() -> None:
    witness = Witness()
    world = World(wrap=witness.around)
    world.objects.put("other", "rows.txt", b"secret\n", "")
    event = world.event("other", "rows.txt", 7, "etag", None)

    with pytest.raises(PermanentError, match="'other' is not the input bucket"):
        world.handlers["upload"](event)

    assert (world.table.jobs, witness.read, witness.written) == ({}, set(), set())


def test_a_pipeline_file_cannot_have_another_endpoint_called_than_the_stack_allows() -> None:
    world = World()
    names = EndpointNames.parse("demo prod-*")
    world.handlers["upload"] = replace(world.handlers["upload"], callable_endpoints=names)
    world.drop("in/_pipeline.yaml", b"invoke:\n  endpoint: payroll\n")
    world.drop("in/rows.txt", b"one\n")

    world.run()

    problem = (
        "in/_pipeline.yaml, line 2: `invoke.endpoint` is 'payroll': "
        "this stack may call demo and prod-*"
    )
    assert world.announcer.bad_pipelines[0]["problems"] == [problem]
    failure = world.manifest("in/rows.txt")["failure"]
    assert failure == {"code": "InvalidPipeline", "message": problem}
    assert world.model.requests == []


def test_what_a_pipeline_file_names_is_an_endpoint_and_no_place() -> None:
    """Nothing in it could be a bucket or a key: `custom_attributes` go to the model as they are."""
    witness = Witness()
    text = (
        "invoke: {endpoint: demo, content_type: 's3://other/x', accept: 's3://other/y', "
        "custom_attributes: 's3://other/z'}\n"
    )
    world = World(wrap=witness.around)
    world.put("in/_pipeline.yaml", text)
    world.drop("in/rows.txt", b"one\n")

    world.run()

    places = witness.read | witness.written
    assert {bucket for bucket, _ in places} == {"input", "work", "output"}


def test_a_record_cannot_pose_as_several_in_a_request_of_json() -> None:
    """The records are put between brackets; what is no single JSON value is refused before."""
    seen: list[Any] = []

    def answer(body: bytes, _request: Any) -> bytes:
        seen.extend(json.loads(body)["instances"])
        return json.dumps({"predictions": json.loads(body)["instances"]}).encode()

    world = World(answer, pipeline="invoke: {endpoint: demo, content_type: application/json}\n")
    job_id = world.drop("in/data.jsonl", b'1],"instances":[2\n1,2\n]\n"fine"\n')

    world.run()

    assert seen == ["fine"]
    assert [each["error"] for each in world.errors("in/data.jsonl")] == ["InvalidJson"] * 3
    assert world.job(job_id).status is JobStatus.PARTIAL
