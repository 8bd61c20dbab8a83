"""What is dropped as an error file and is none, or comes at the wrong time, changes nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.domain.job import JobStatus
from tests.unit.use_cases.redriving import DEMO, SINGLY, Ran, disliking, jsonl, ran
from tests.unit.use_cases.world import World, model

BODY = b"1,bad\n2,ok\n3,bad\n4," + b"bad" * 3000 + b"\n"
KEY = "in/x.csv"
Line = dict[str, Any]
Lines = list[Line]


@pytest.fixture
def before() -> Ran:
    return ran(KEY, BODY)


def refused(before: Ran, dropped: Lines | bytes) -> str:
    """The message; nothing was sent to the model, and nothing delivered but the reason."""
    delivered, requests = before.delivered, len(before.world.model.requests)

    job = before.redrive(dropped)

    assert job.status is JobStatus.FAILED
    assert len(before.world.model.requests) == requests
    assert before.delivered == delivered
    summary, successful = before.world.announcer.jobs[-1]
    assert (summary["failure"], successful) == (before.redrive_failure, False)
    return f"{before.redrive_failure['code']}: {before.redrive_failure['message']}"


def with_first(**changes: Any) -> Callable[[Lines], Lines]:
    return lambda lines: [lines[0] | changes, *lines[1:]]


def without(name: str) -> Callable[[Lines], Lines]:
    return lambda lines: [
        {key: value for key, value in lines[0].items() if key != name},
        *lines[1:],
    ]


WRONG: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "reordered": (lambda found: found[::-1], "line 2: record 2 comes after record 3; sort"),
    "twice": (lambda found: [found[0], *found], "line 2: record 0 stands here a second time"),
    "of another job": (with_first(id="f00d:0"), "line 1: its id 'f00d:0' is not of job"),
    "no id": (without("id"), "line 1: `id` is missing; leave it as it is"),
    "an id of another record": (
        lambda found: [found[0] | {"record": 2}, *found[1:]],
        "line 1: its id is of record '0', but `record` is 2",
    ),
    "a record that did not fail": (
        lambda found: [found[0] | {"record": 1, "id": found[0]["id"][:-1] + "1"}],
        "line 1: record 1 is not in the error file: remove the line",
    ),
    "another place": (with_first(start=1), "line 1: `start` and `end` of record 0 are 0 and 5"),
    "no place": (without("end"), "line 1: `end` is missing"),
    "a place that is none": (with_first(start="0"), "line 1: `start` is '0', not a whole number"),
    "no record": (without("input"), "line 1: it has no `input`; put the record there"),
    "two records": (with_first(input="1,a\n2,b"), "line 1: `input` has a line end"),
    "an empty record": (with_first(input=""), "line 1: `input` holds no record"),
    "an open quote": (with_first(input='1,"a'), "line 1: `input` has a quote that is never closed"),
    "no text": (with_first(input={"a": 1}), "line 1: `input` is {'a': 1}, not text; put the rec"),
    "half a character": (with_first(input="\ud800"), "line 1: `input` has half a character"),
    "text and base64": (with_first(input_base64="MQ=="), "line 1: it has both `input` and"),
    "no base64": (
        lambda found: [without("input")(found)[0] | {"input_base64": "?"}],
        "line 1: `input_base64` is not base64",
    ),
    "a change of a beginning": (
        lambda found: [*found[:2], found[2] | {"input": "4,good"}],
        "line 3: `input` was changed, but is only the beginning of the record",
    ),
    "a beginning for the whole": (
        lambda found: [*found[:2], found[2] | {"input_truncated": False}],
        "line 3: `input` is only the beginning of the record; put the whole record there",
    ),
    "a whole for a beginning": (
        with_first(input_truncated=True),
        "line 1: `input` was changed, but is only the beginning",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_line_is_named_with_the_remedy(before: Ran, name: str) -> None:
    spoil, told = WRONG[name]

    message = refused(before, spoil(before.error_file))

    assert message.startswith(f"InvalidRedrive: {told}")


@pytest.mark.parametrize(
    ("dropped", "told"),
    [
        (b"", "the file has no lines"),
        (b"\n \n", "the file has no lines"),
        (b"\n{\n", "line 2: it is not JSON: Expecting"),
        (b"[1]\n", "line 1: it is no JSON object"),
        (b"\xff\xfe{\x00}\x00", "line 1: byte 0 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_are_no_lines_of_an_error_file_are_refused(
    before: Ran, dropped: bytes, told: str
) -> None:
    assert refused(before, dropped).startswith(f"InvalidRedrive: {told}")


def test_what_an_editor_adds_is_no_harm(before: Ran) -> None:
    dropped = b"\xef\xbb\xbf" + jsonl(before.error_file).replace(b"\n", b"\r\n\r\n").rstrip()

    assert before.redrive(dropped).status is JobStatus.SUCCEEDED


def test_a_file_that_has_not_run_cannot_be_redriven() -> None:
    before = Ran(World(), KEY, "")
    before.world.drop(before.dropped_key, b"{}\n")

    before.world.run()

    assert before.redrive_failure == {
        "code": "NothingToRedrive",
        "message": f"{KEY} has no outputs (yet): wait for the end of its job, or drop it first",
    }


def test_a_file_without_failures_cannot_be_redriven() -> None:
    before = ran(KEY, b"1,ok\n")
    before.drop(b"{}\n")

    before.world.run()

    assert before.redrive_failure["code"] == "NothingToRedrive"
    assert "nothing to run again" in before.redrive_failure["message"]


def test_a_job_that_delivered_nothing_cannot_be_redriven() -> None:
    before = ran(KEY, b'1,"open\n')
    before.drop(b"{}\n")

    before.world.run()

    assert before.redrive_failure["code"] == "NothingToRedrive"
    assert "mend what its manifest says" in before.redrive_failure["message"]


@pytest.mark.parametrize(
    ("pipeline", "restored"),
    [
        ("output: {join: input}", "`output.join: none`"),
        ("output: {on_error: omit}", "`output.on_error: inline`"),
        ("input: {header: true}", "`input.header: false`"),
        ("input: {delimiter: ';'}", "`input.delimiter: ,`"),
        ("input: {format: text}", "`input.format: csv`, `invoke.accept: text/csv`"),
    ],
)
def test_a_pipeline_that_reads_or_writes_otherwise_is_refused(
    before: Ran, pipeline: str, restored: str
) -> None:
    before.world.put("in/_pipeline.yaml", DEMO + pipeline)

    message = refused(before, before.error_file)

    assert message == (
        "PipelineDiffers: the output was written with another pipeline than in/_pipeline.yaml is "
        f"now; restore {restored}, or drop the whole file again"
    )


def test_a_second_redrive_waits_for_the_first(before: Ran) -> None:
    first, second = jsonl(before.error_file[:1]), jsonl(before.error_file[1:])
    before.world.predict = model
    ids = [before.drop(first), before.drop(second)]

    before.world.run()

    assert before.world.job(ids[0]).status is JobStatus.PARTIAL
    assert before.redrive_failure == {
        "code": "RedriveInProgress",
        "message": f"job {ids[0]} redrives {KEY} already: wait for its end, then redrive the rest",
    }
    assert before.redrive(second).status is JobStatus.SUCCEEDED


def test_a_claim_of_a_job_that_is_not_known_any_more_is_taken_over(before: Ran) -> None:
    before.world.table.claim(f"redrive#{before.job_id}", "f00d", None)

    assert before.redrive().status is JobStatus.SUCCEEDED


def test_the_event_of_a_redrive_may_come_again_at_any_time(before: Ran) -> None:
    before.world.delays = lambda queue: [0.0, 0.0, 100.0] if queue == "upload" else [0.0]

    assert before.redrive().status is JobStatus.SUCCEEDED
    assert len(before.delivered[f"{KEY}.out"]) == 2
    assert before.dropped_key + ".manifest.json" not in before.world.objects.keys("output")


def test_nothing_is_merged_into_what_another_run_has_delivered_meanwhile(before: Ran) -> None:
    before.world.predict = disliking(b"bad")
    redriving = before.drop(jsonl(before.error_file))
    before.world.delays = lambda queue: [50.0] if queue == "assemble" else [0.0]
    held = [due for due in before.world._due if due.queue == "upload"]
    for due in held:
        before.world._due.remove(due)
        before.world.deliver(due)
    before.world.delays = lambda _queue: [0.0]
    again = before.world.drop(KEY, b"1,bad\n2,new\n")
    run_first(before.world, again)
    delivered = before.delivered

    before.world.run()

    assert before.world.job(redriving).failure
    assert before.delivered == delivered
    assert before.redrive_failure["code"] == "OutputChanged"
    assert f"job {again} has delivered {KEY} meanwhile" in before.redrive_failure["message"]


def run_first(world: World, job_id: str) -> None:
    """Delivers the messages of all others later."""
    others = [due for due in world._due if due.queue != "upload"]
    world._due = [due for due in world._due if due.queue == "upload"]
    world.run()
    assert world.job(job_id).status.terminal
    world._due += others


@pytest.mark.parametrize("on_error", ["inline", "omit"])
@pytest.mark.parametrize(
    "spoil", [lambda body: body[: body.index(b"\n")], lambda body: body + b"1\n"]
)
def test_an_output_that_is_not_what_its_manifest_says_is_not_merged_into(
    on_error: str, spoil: Callable[[bytes], bytes]
) -> None:
    before = ran(KEY, BODY, pipeline=f"{DEMO}{SINGLY}output: {{on_error: {on_error}}}\n")
    tamper(before, "predictions", spoil)
    delivered = before.delivered

    before.redrive()

    assert before.redrive_failure["code"] == "OutputMismatch"
    assert before.delivered == delivered
    assert before.world.objects.uploads == {}


def test_an_error_file_that_lacks_lines_is_not_merged_with(before: Ran) -> None:
    first, second, _ = before.error_file
    tamper(before, "errors", lambda _body: jsonl([first, second]))

    before.redrive([first])

    assert before.redrive_failure["code"] == "OutputMismatch"
    assert "has 2 lines where its manifest has 3" in before.redrive_failure["message"]


def tamper(before: Ran, name: str, spoil: Callable[[bytes], bytes]) -> None:
    """Changes an output as if its job had written it so."""
    manifest = before.world.manifest(KEY)
    stored = manifest["outputs"][name]
    history = before.world.objects.history["output", stored["key"]]
    history[-1] = replace(history[-1], body=spoil(history[-1].body or b""))
    stored["etag"], stored["size"] = history[-1].etag, len(history[-1].body or b"")
    history = before.world.objects.history["output", f"{KEY}.manifest.json"]
    history[-1] = replace(history[-1], body=json.dumps(manifest).encode())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda manifest: b"{",
        lambda manifest: b"[]",
        lambda manifest: json.dumps(manifest | {"attempts": "3"}).encode(),
        lambda manifest: json.dumps(manifest | {"records": {}}).encode(),
        lambda manifest: json.dumps(manifest | {"pipeline": {}}).encode(),
        lambda manifest: json.dumps(manifest).replace(".out", ".other").encode(),
        lambda manifest: json.dumps(manifest).replace('"input"', '"secrets"').encode(),
        lambda manifest: json.dumps(manifest).replace("x.csv", "y.csv").encode(),
    ],
)
def test_a_manifest_that_somebody_has_changed_is_refused(
    before: Ran, spoil: Callable[[Any], bytes]
) -> None:
    body = spoil(before.world.manifest(KEY))
    before.world.objects.put("output", f"{KEY}.manifest.json", body, "")

    assert refused(before, before.error_file).startswith("DamagedManifest: in/x.csv.manifest.json")


@pytest.mark.parametrize("name", ["x.csv.errors.jsonl.errors.jsonl", ".errors.jsonl"])
def test_what_is_of_no_input_is_no_redrive(name: str) -> None:
    world = World()
    world.drop(f"in/{name}", b"{}\n")

    world.run()

    assert not [job for job in world.table.jobs.values() if job.redrive]
