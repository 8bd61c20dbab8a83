"""What is typed wrong, or meets a stack that is not as it should be: stderr and the exit code.

1: it was carried out, with a bad end. 2: it cannot be done as it was typed.
"""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from penstock.domain.job import Failure, JobStatus
from tests.unit.cli.world import World, finished, job_of, running

Given = Callable[[World, Path], object]


def nothing(_world: World, _here: Path) -> None:
    """The stack is as it was deployed, the folder is empty."""


@dataclass(frozen=True)
class Case:
    """`typed` is in a shell's words, `{here}` an empty folder but for what `given` puts there."""

    typed: str
    exit_code: int
    says: tuple[str, ...]
    given: Given = nothing


def file(name: str, body: bytes = b"1,2\n") -> Given:
    return lambda _world, here: (here / os.fsdecode(name)).write_bytes(body)


def folder(name: str) -> Given:
    return lambda _world, here: (here / name).mkdir()


def without_bucket(name: str) -> Given:
    def given(world: World, here: Path) -> None:
        (here / "a.csv").write_bytes(b"1\n")
        world.s3.delete_bucket(Bucket=name)

    return given


def two_jobs_alike(world: World, _here: Path) -> None:
    for end in ("0", "1"):
        world.put(replace(job_of(), job_id="abcd" + end * 16))


def a_running_job(world: World, _here: Path) -> None:
    world.put(running(job_of(), 10, 1))


def a_failed_job(world: World, _here: Path) -> None:
    failure = Failure("InvalidPipeline", "digits/_pipeline.yaml, line 3: unknown key `endpint`")
    job = world.put(finished(job_of(), 0, JobStatus.FAILED, failure))
    world.deliver(job)


def with_manifest(body: bytes) -> Given:
    def given(world: World, _here: Path) -> None:
        world.put(finished(running(job_of(), 1, 1)))
        key = "digits/digits.csv.manifest.json"
        world.s3.put_object(Bucket="outputs", Key=key, Body=body)

    return given


def a_finished_job(world: World, _here: Path) -> None:
    world.deliver(world.put(finished(running(job_of(), 1, 1))), predictions=b"1\n")


def unversioned(world: World, here: Path) -> None:
    (here / "a.csv").write_bytes(b"1\n")
    off = {"Status": "Suspended"}
    world.s3.put_bucket_versioning(Bucket="inputs", VersioningConfiguration=off)


CASES = {
    # submit
    "submit without a file": Case("submit", 2, ("Missing argument 'FILE'",)),
    "submit of a file that is not there": Case(
        "submit {here}/missing.csv", 2, ("missing.csv' does not exist",)
    ),
    "submit of a folder": Case(
        "submit {here}/months", 2, ("months' is a directory",), folder("months")
    ),
    "submit of a name that begins with an underscore": Case(
        "submit {here}/_notes.csv",
        2,
        ("_notes.csv starts no job", "give the file another name with --name"),
        file("_notes.csv"),
    ),
    "submit of a pipeline file as if it were data": Case(
        "submit {here}/_pipeline.yaml --pipeline digits",
        2,
        ("digits/_pipeline.yaml starts no job", "names that begin with _ or . are configuration"),
        file("_pipeline.yaml"),
    ),
    "submit of a name like an output's": Case(
        "submit {here}/a.csv.out", 2, ("a.csv.out", "rename the file", "--name"), file("a.csv.out")
    ),
    "submit under a name that is too long": Case(
        "submit {here}/a.csv --name " + "x" * 1016,
        2,
        ("6 bytes too long", "shorten the name", "--name"),
        file("a.csv"),
    ),
    "submit of a compressed file": Case(
        "submit {here}/a.csv.gz", 2, ("a.csv.gz", "decompress it", "--name"), file("a.csv.gz")
    ),
    "submit of a name that is not UTF-8": Case(
        "submit {here}/caf\udce9.csv",
        2,
        ("caf\\udce9.csv is not UTF-8", "--name"),
        file("caf\udce9.csv"),
    ),
    "submit with an option that there is not": Case(
        "submit {here}/a.csv --pipline digits", 2, ("No such option", "--pipline"), file("a.csv")
    ),
    "submit to a bucket that was deleted": Case(
        "submit {here}/a.csv", 1, ("s3://inputs/a.csv does not exist",), without_bucket("inputs")
    ),
    "submit to a bucket without versions": Case(
        "submit {here}/a.csv", 1, ("keeps no versions", "penstock status a.csv"), unversioned
    ),
    # configure and validate
    "configure with a file that is not there": Case(
        "configure {here}/_pipeline.yaml", 2, ("_pipeline.yaml' does not exist",)
    ),
    "configure with a mistake in the file": Case(
        "configure {here}/p.yaml",
        1,
        ("p.yaml, line 1: unknown key `invoke.endpint`; remove it or mend its spelling",),
        file("p.yaml", b"invoke: {endpint: demo, endpoint: demo}\n"),
    ),
    "validate of an empty file": Case(
        "validate {here}/p.yaml",
        1,
        ("p.yaml, line 1: the file must hold keys",),
        file("p.yaml", b""),
    ),
    "validate of a spreadsheet": Case(
        "validate {here}/p.yaml",
        1,
        ("p.yaml, line 1: byte 10 is not UTF-8; save the file as UTF-8",),
        file("p.yaml", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xff\xff"),
    ),
    "validate of a file without an end": Case(
        "validate /dev/zero", 1, ("/dev/zero, line 1: the file is longer than 65536 bytes",)
    ),
    "validate of a folder": Case("validate {here}", 2, ("is a directory",)),
    # status
    "status of a job that there is not": Case(
        "status 0123456789abcdef0123",
        2,
        ("no job 0123456789abcdef0123", "`penstock status` lists the newest jobs"),
    ),
    "status of digits that begin several ids": Case(
        "status abcd", 2, ("begins several job ids; give more digits: abcd",), two_jobs_alike
    ),
    "status of too few digits": Case(
        "status abc", 2, ("no job abc", "at least 4 digits"), two_jobs_alike
    ),
    "status of a file that was never dropped": Case(
        "status s3://inputs/nowhere.csv", 2, ("no job s3://inputs/nowhere.csv", "name of a file")
    ),
    "status of no jobs at all": Case("status --limit 0", 2, ("0 is not in the range 1<=x<=1000",)),
    "status with a limit that is no number": Case(
        "status --limit many", 2, ("'many' is not a valid integer",)
    ),
    # results
    "results of nothing": Case("results", 2, ("Missing argument 'JOB'",)),
    "results of a job that there is not": Case("results nowhere.csv", 2, ("no job nowhere.csv",)),
    "results before the end": Case(
        "results digits.csv",
        1,
        ("is RUNNING; wait for its end (`penstock status`)",),
        a_running_job,
    ),
    "results of a job that failed as a whole": Case(
        "results digits.csv",
        1,
        ("has no predictions: InvalidPipeline: digits/_pipeline.yaml, line 3: unknown key",),
        a_failed_job,
    ),
    "results whose manifest is no JSON": Case(
        "results digits.csv", 1, ("is damaged", "drop the file again"), with_manifest(b"%PDF")
    ),
    "results whose manifest is of something else": Case(
        "results digits.csv", 1, ("is damaged", "earlier version"), with_manifest(b'{"job_id": []}')
    ),
    "results whose manifest is a bomb": Case(
        "results digits.csv", 1, ("is damaged",), with_manifest(b"[" * 100_000)
    ),
    "results into a folder that is not there": Case(
        "results digits.csv -o {here}/out/a.csv",
        2,
        ("cannot write", "out/a.csv: No such file or directory"),
        a_finished_job,
    ),
    "results into a folder": Case("results digits.csv -o {here}", 2, ("is a directory",)),
    "results of a part of the errors": Case(
        "results digits.csv --partial --errors", 2, ("--partial", "leave --errors out")
    ),
    # cancel
    "cancel of nothing": Case("cancel", 2, ("Missing argument 'JOB'",)),
    "cancel of a job that there is not": Case("cancel nowhere.csv --yes", 2, ("no job nowhere",)),
    "cancel where nobody can be asked": Case(
        "cancel digits.csv", 2, ("nobody is here to confirm it", "--yes"), a_running_job
    ),
    "cancel after the end": Case(
        "cancel digits.csv --yes", 1, ("has ended SUCCEEDED", "nothing left"), a_finished_job
    ),
    # dlq
    "dlq of a queue that there is not": Case("dlq invokes", 2, ("'invokes' is not one of",)),
    "dlq of all queues at once": Case("dlq --redrive", 2, ("need a QUEUE: one of upload, split",)),
    "dlq of a stack without it": Case(
        "dlq upload", 2, ("no output UploadDeadLetterQueueUrl", "deploy this version's template")
    ),
    # connect
    "connect without an endpoint": Case("connect", 2, ("Missing argument 'ENDPOINT'",)),
    "connect of an ARN": Case(
        "connect arn:aws:sagemaker:eu-west-1:1:endpoint/churn", 2, ("give the name alone",)
    ),
    "connect with a file that is not there": Case(
        "connect churn --pipeline {here}/p.yaml", 2, ("p.yaml' does not exist",)
    ),
    "connect with a mistake in the file": Case(
        "connect churn --pipeline {here}/p.yaml",
        1,
        ("p.yaml, line 1: unknown key `invoke.endpint`",),
        file("p.yaml", b"invoke: {endpint: churn, endpoint: churn}\n"),
    ),
    "connect with a file of another endpoint": Case(
        "connect churn --pipeline {here}/p.yaml",
        2,
        ("p.yaml is for endpoint fraud, not churn",),
        file("p.yaml", b"invoke: {endpoint: fraud}\n"),
    ),
    # penstock itself
    "a command that there is not": Case("sumbit a.csv", 2, ("No such command 'sumbit'",)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_stderr_says_what_is_wrong_and_the_exit_code_which_kind(
    world: World, tmp_path: Path, case: Case
) -> None:
    case.given(world, tmp_path)

    result = world.penstock(*shlex.split(case.typed.format(here=tmp_path)))

    assert result.exit_code == case.exit_code, result.output
    assert result.stdout == ""
    assert all(each in result.stderr for each in case.says), result.stderr
    assert "Traceback" not in result.stderr
