"""Failed records run again and take their places, long after their job has been forgotten."""

from typing import Any

import pytest

from penstock.domain.job import JobStatus, Stop
from penstock.use_cases.piece_writer import PART
from tests.unit.use_cases.redriving import (
    DEMO,
    SINGLY,
    disliking,
    forget,
    jsonl,
    once_run,
    ran,
)
from tests.unit.use_cases.world import Due, Request, Response, World, model

CSV = b'1,"a\nb"\n2,bad\n3,c\n4,bad too\n5,"d\n"\n'
JSONL = b'{"a":1}\n{"a":"bad"}\n[2]\n"bad, too"\n'
TEXT = b"one\nbad\n\nbad too\nfive\n"
FILES = {"in/x.csv": CSV, "in/x.jsonl": JSONL, "in/x.txt": TEXT}


@pytest.mark.parametrize("key", FILES)
@pytest.mark.parametrize("join", ["none", "input"])
@pytest.mark.parametrize("on_error", ["inline", "omit", "fail"])
def test_a_model_that_behaves_now_gives_what_it_would_have_given_at_once(
    key: str, join: str, on_error: str
) -> None:
    pipeline = f"{DEMO}{SINGLY}output: {{join: {join}, on_error: {on_error}}}\n"
    before = ran(key, FILES[key], pipeline=pipeline)
    (first,) = before.delivered[f"{key}.out"]

    job = before.redrive()

    assert job.status is JobStatus.SUCCEEDED
    merged = before.world.output(key)
    assert merged == once_run(key, FILES[key], pipeline).output(key)
    assert before.delivered[f"{key}.out"] == [first, merged]


def test_the_manifest_adds_both_runs_up() -> None:
    before = ran("in/x.csv", CSV)

    job = before.redrive(predict=disliking(b"too"))

    manifest = before.world.manifest("in/x.csv")
    assert manifest["job_id"] == before.job_id
    assert manifest["status"] == "PARTIAL"
    assert manifest["records"] == {"total": 5, "succeeded": 4, "failed": 1}
    assert (manifest["chunks"], manifest["attempts"]) == (7, 7)
    assert manifest["input"]["key"] == "in/x.csv"
    (redrive,) = manifest["redrives"]
    assert (redrive["job_id"], redrive["records"], redrive["succeeded"]) == (job.job_id, 2, 1)
    assert redrive["input"]["key"] == "in/x.csv.errors.jsonl"
    output = before.world.objects.history["output", "in/x.csv.out"][-1]
    assert manifest["outputs"]["predictions"]["version_id"] == output.version_id


def test_the_error_file_has_what_is_left() -> None:
    before = ran("in/x.csv", CSV)
    _, still_bad = before.error_file

    before.redrive(predict=disliking(b"too"))

    assert before.error_file == [still_bad]
    assert len(before.delivered["in/x.csv.errors.jsonl"]) == 2


def test_when_nothing_is_left_the_manifest_names_no_error_file() -> None:
    before = ran("in/x.csv", CSV)

    before.redrive()

    manifest = before.world.manifest("in/x.csv")
    assert list(manifest["outputs"]) == ["predictions"]
    assert (manifest["status"], manifest["records"]["failed"]) == ("SUCCEEDED", 0)


def test_the_end_is_announced_as_that_of_a_redrive() -> None:
    before = ran("in/x.csv", CSV)

    job = before.redrive()

    summary, successful = before.world.announcer.jobs[-1]
    assert successful
    assert summary["job_id"] == job.job_id
    assert summary["input"] == "s3://input/in/x.csv"
    assert summary["redrive"] == {"of": before.job_id, "records": 2, "succeeded": 2}
    assert summary["records"] == {"total": 5, "succeeded": 5, "failed": 0}
    assert summary["manifest"] == "s3://output/in/x.csv.manifest.json"
    assert "redrive" not in before.world.announcer.jobs[0][0]


def test_only_the_lines_that_are_dropped_run_again() -> None:
    before = ran("in/x.csv", CSV)
    first, second = before.error_file
    rows = before.world.output("in/x.csv").split(b"\n")

    before.redrive([second])

    assert [request.body for request in before.world.model.requests[-1:]] == [b"4,bad too\n"]
    assert before.error_file == [first]
    rows[3] = b"y(4|bad too)"
    assert before.world.output("in/x.csv").split(b"\n") == rows


@pytest.mark.parametrize("join", ["none", "input"])
def test_mended_records_take_the_place_of_those_that_failed(join: str) -> None:
    pipeline = f"{DEMO}{SINGLY}output: {{join: {join}}}\n"
    before = ran("in/x.csv", CSV, pipeline=pipeline)
    first, second = before.error_file

    before.redrive([first | {"input": '2,"go\nod"'}, second | {"input": "4,fine"}])

    healthy = CSV.replace(b"2,bad", b'2,"go\nod"').replace(b"4,bad too", b"4,fine")
    assert before.world.output("in/x.csv") == once_run("x.csv", healthy, pipeline).output("x.csv")


def test_a_record_that_is_no_text_comes_back_as_it_was_or_mended() -> None:
    before = ran("in/x.csv", b"1,\xff\n2,\xfe\n3,ok\n")
    first, second = before.error_file

    before.redrive([first, _without(second, "input_base64") | {"input": "2,é"}])

    (left,) = before.error_file
    assert left == first
    assert before.world.lines("in/x.csv")[1:] == ["y(2|é)", "y(3|ok)"]


def test_a_mended_record_that_fails_again_has_its_new_text_and_reason() -> None:
    before = ran("in/x.csv", CSV)
    first, second = before.error_file

    before.redrive([first | {"input": "2,worse"}], predict=disliking(b"worse"))

    again, untouched = before.error_file
    assert again == first | {"input": "2,worse"}
    assert untouched == second


def test_what_is_left_can_be_redriven_again() -> None:
    before = ran("in/x.csv", CSV)
    before.redrive(predict=disliking(b"too"))
    forget(before.world)

    job = before.redrive()

    assert job.status is JobStatus.SUCCEEDED
    manifest = before.world.manifest("in/x.csv")
    assert manifest["job_id"] == before.job_id
    assert [(each["records"], each["succeeded"]) for each in manifest["redrives"]] == [
        (2, 1),
        (1, 1),
    ]
    assert before.world.output("in/x.csv") == once_run("x.csv", CSV, DEMO).output("x.csv")


def test_another_pipeline_may_govern_the_file_now() -> None:
    before = ran("in/x.csv", CSV)
    before.world.put(
        "in/_pipeline.yaml", "invoke: {endpoint: better}\nretry: {maximum_attempts: 9}"
    )

    before.redrive()

    assert {request.endpoint for request in before.world.model.requests[5:]} == {"better"}
    manifest = before.world.manifest("in/x.csv")
    assert manifest["pipeline"]["invoke"]["endpoint"] == "demo"
    assert manifest["redrives"][0]["pipeline"]["invoke"]["endpoint"] == "better"
    assert manifest["status"] == "SUCCEEDED"


def test_requests_carry_the_header_of_the_file_that_the_records_came_from() -> None:
    pipeline = DEMO + SINGLY + "input: {header: send}\n"
    before = ran("in/x.csv", b"id,note\n" + CSV, disliking(b"bad", then=headed), pipeline)

    before.redrive(predict=headed)

    assert before.world.model.requests[-1].body == b"id,note\n4,bad too\n"
    assert before.world.output("in/x.csv") == once_run("x.csv", CSV, DEMO).output("x.csv")


def headed(body: bytes, request: Request) -> Response:
    assert body.startswith(b"id,note\n")
    return model(body.removeprefix(b"id,note\n"), request)


def test_a_header_that_was_dropped_may_be_sent_now() -> None:
    pipeline = DEMO + SINGLY + "input: {header: true}\n"
    before = ran("in/x.csv", b"id,note\n" + CSV, pipeline=pipeline)
    before.world.put("in/_pipeline.yaml", DEMO + "input: {header: send}\n")

    job = before.redrive(predict=headed)

    assert job.status is JobStatus.SUCCEEDED


def test_records_of_which_the_line_has_only_the_beginning_come_from_the_input() -> None:
    long = b"bad " + b"x" * 9000
    before = ran("in/x.txt", b"a\n" + long + b"\nb\n")

    before.redrive()

    assert before.world.model.requests[-1].body == long + b"\n"
    assert before.world.output("in/x.txt") == once_run(
        "x.txt", b"a\n" + long + b"\nb\n", DEMO
    ).output("x.txt")


def test_a_long_record_that_fails_again_is_quoted_as_it_was() -> None:
    long = b"bad " + "é".encode() * 9000
    before = ran("in/x.txt", b"a\n" + long + b"\nb\n")
    (line,) = before.error_file

    before.redrive(predict=disliking(b"bad"))

    assert line["input_truncated"]
    assert before.error_file == [line]


def test_a_long_record_can_be_mended_as_a_whole() -> None:
    before = ran("in/x.txt", b"a\nbad " + b"x" * 9000 + b"\nb\n")
    (line,) = before.error_file

    before.redrive([_without(line, "input_truncated") | {"input": "short"}])

    assert before.world.lines("in/x.txt") == ["y(a)", "y(short)", "y(b)"]


def test_long_records_go_to_the_model_in_requests_of_the_usual_size() -> None:
    pipeline = DEMO + "chunk: {max_records: 100, max_bytes: 64KiB}\n"
    body = b"".join(b"bad%d " % number + b"x" * 20_000 + b"\n" for number in range(12))
    before = ran("in/x.txt", b"ok\n" + body, pipeline=pipeline, region_bytes=10**6)
    already = len(before.world.model.requests)

    job = before.redrive()

    sizes = [_size(before.world, request) for request in before.world.model.requests[already:]]
    assert job.status is JobStatus.SUCCEEDED
    assert max(sizes) <= 64 * 1024
    assert len(sizes) <= 6
    assert before.world.manifest("in/x.txt")["records"]["succeeded"] == 13


def _size(world: World, request: Request) -> int:
    if request.body is not None:
        return len(request.body)
    assert request.input_location
    return len(world.objects.body(*request.input_location.removeprefix("s3://").split("/", 1)))


def test_long_records_fail_alone_when_the_input_is_gone() -> None:
    before = ran("in/x.txt", b"bad " + b"x" * 9000 + b"\nbad\n", pipeline=DEMO)
    before.world.objects.history.pop(("input", "in/x.txt"))

    before.redrive()

    (line,) = before.error_file
    assert (line["record"], line["error"], line["input_truncated"]) == (0, "ObjectNotFound", True)
    assert before.world.lines("in/x.txt")[1] == "y(bad)"


def test_a_chunk_that_is_refused_in_the_redrive_is_halved_as_usual() -> None:
    body = b"".join(b"bad %d\n" % number for number in range(10))
    before = ran("in/x.txt", b"ok\n" + body, pipeline=DEMO, region_bytes=10**6)
    seen = len(before.world.model.requests)

    before.redrive(predict=disliking(b"bad 6"))

    assert [line["record"] for line in before.error_file] == [7]
    assert len(before.world.model.requests) - seen > 3
    expected = once_run("x.txt", b"ok\n" + body, DEMO + SINGLY, disliking(b"bad 6"))
    assert before.world.output("in/x.txt") == expected.output("x.txt")


def test_hundreds_of_segments_are_merged() -> None:
    body = b"".join(b"bad %d\nok %d\n" % (number, number) for number in range(300))
    before = ran("in/x.txt", body)

    job = before.redrive()

    assert job.totals is not None
    assert job.totals.segments > 256
    assert before.world.output("in/x.txt") == once_run("x.txt", body, DEMO).output("x.txt")


def test_rows_of_many_mebibytes_pass_through() -> None:
    def verbose(body: bytes, request: Request) -> bytes:
        return b"".join(line + b"." * PART + b"\n" for line in body.split())

    body = b"aa\nbad\ncc\ndd\n"
    before = ran("in/x.txt", body, disliking(b"bad", then=verbose))

    before.redrive(predict=verbose)

    expected = once_run("x.txt", body, DEMO, verbose)
    assert before.world.output("in/x.txt") == expected.output("x.txt")
    assert before.world.objects.uploads == {}


def test_answers_with_newlines_in_quotes_are_rows_all_the_same() -> None:
    def quoting(body: bytes, request: Request) -> bytes:
        return b"".join(b'"%s\n",1\n' % line for line in body.split())

    body = b"aa\nbad\ncc\nbad\n"
    before = ran("in/x.csv", body, disliking(b"bad", then=quoting))
    assert before.world.manifest("in/x.csv")["outputs"]["predictions"]["lines"] == 6

    before.redrive(predict=quoting)

    assert before.world.output("in/x.csv") == quoting(body, before.world.model.requests[0])
    assert before.world.manifest("in/x.csv")["outputs"]["predictions"]["lines"] == 8


def test_a_redrive_that_was_cancelled_leaves_the_file_as_good_as_it_was() -> None:
    before = ran("in/x.csv", CSV)
    before.world.predict = model
    job_id = before.drop(jsonl(before.error_file))
    stop = Stop(JobStatus.CANCELLED, "Cancelled", "somebody said so", 0.0)

    def stop_before_the_model(due: Due) -> None:
        if due.queue == "invoke":
            before.world.table.stop_job(job_id, stop)

    before.world.before_delivery = stop_before_the_model

    before.world.run()

    manifest = before.world.manifest("in/x.csv")
    assert before.world.job(job_id).status is JobStatus.CANCELLED
    assert before.world.announcer.jobs[-1][0]["status"] == "CANCELLED"
    assert (manifest["status"], manifest["redrives"][0]["status"]) == ("PARTIAL", "CANCELLED")
    assert manifest["records"] == {"total": 5, "succeeded": 3, "failed": 2}
    assert [line["error"] for line in before.error_file] == ["Cancelled", "Cancelled"]


def test_a_model_that_refuses_all_again_does_not_spoil_the_file() -> None:
    body = b"".join(b"bad %d\nok %d\n" % (number, number) for number in range(100))
    before = ran("in/x.txt", body)

    job = before.redrive(predict=disliking(b"bad"))

    assert (job.status, job.failure and job.failure.code) == (JobStatus.FAILED, "TooManyFailures")
    assert before.world.announcer.jobs[-1][1] is False
    manifest = before.world.manifest("in/x.txt")
    assert (manifest["status"], manifest["failure"]) == ("PARTIAL", None)
    assert manifest["redrives"][0]["failure"]["code"] == "TooManyFailures"


def test_tolerance_is_that_of_the_whole_file() -> None:
    pipeline = DEMO + SINGLY + "tolerated_failure_percentage: 20\n"
    before = ran("in/x.csv", CSV, pipeline=pipeline)
    assert before.world.manifest("in/x.csv")["status"] == "FAILED"

    job = before.redrive(predict=disliking(b"too"))

    assert job.status is JobStatus.PARTIAL
    assert before.world.manifest("in/x.csv")["failure"] is None


def _without(line: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in line.items() if each != name}


class Overtaken:
    """Objects; another function delivers the same message before a look at the manifest."""

    def __init__(self, objects: Any, at: int) -> None:
        self.objects, self.at, self.looks = objects, at, 0
        self.overtake: Any = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.objects, name)

    def newest(self, bucket: str, key: str, *, limit: int) -> Any:
        self.looks += 1
        if self.looks == self.at:
            self.overtake()
        return self.objects.newest(bucket, key, limit=limit)


@pytest.mark.parametrize("look", [2, 3])
def test_two_functions_that_merge_the_same_at_once_merge_it_once(look: int) -> None:
    made: list[Overtaken] = []

    def wrap(name: str, port: Any) -> Any:
        if name != "objects":
            return port
        made.append(Overtaken(port, look))
        return made[0]

    before = ran("in/x.csv", CSV, wrap=wrap)
    current: list[Due] = []
    before.world.before_delivery = current.append
    made[0].overtake = lambda: before.world.handlers["assemble"](current[-1].document)

    job = before.redrive()

    assert made[0].looks > look
    assert job.status is JobStatus.SUCCEEDED
    assert len(before.world.manifest("in/x.csv")["redrives"]) == 1
    assert len({str(summary) for summary, _ in before.world.announcer.jobs}) == 2
    assert before.world.objects.keys("output") == sorted(before.delivered)
