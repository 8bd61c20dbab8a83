"""Which objects start jobs, with which pipeline, and what if the object changes meanwhile."""

import pytest

from penstock.pipeline_file import MAXIMUM_FILE
from penstock.use_cases.accept_upload import Upload
from tests.unit.use_cases.world import Due, World

NAMED = "invoke: {{endpoint: {}}}\n"


def endpoint_used(world: World, key: str) -> str:
    world.drop(key, b"1\n")
    world.run()
    return world.model.requests[-1].endpoint


def test_the_nearest_pipeline_file_configures_a_job() -> None:
    world = World()
    world.put("_pipeline.yaml", NAMED.format("top"))
    world.put("a/_pipeline.yaml", NAMED.format("middle"))
    world.put("a/b/c/_pipeline.yaml", NAMED.format("near"))

    assert endpoint_used(world, "a/b/c/x.csv") == "near"
    assert endpoint_used(world, "a/b/x.csv") == "middle"
    assert endpoint_used(world, "other/x.csv") == "top"


def test_without_a_pipeline_file_the_stacks_parameters_do() -> None:
    assert endpoint_used(World(), "a/x.csv") == "demo"


def test_a_job_keeps_the_pipeline_that_it_started_with() -> None:
    world = World(pipeline=NAMED.format("demo"))
    world.put("_pipeline.yaml", NAMED.format("first"))
    job_id = world.drop("x.csv", b"1\n")
    world.before_delivery = lambda due: (
        world.put("_pipeline.yaml", NAMED.format("second")) if due.queue == "split" else None
    )

    world.run()

    assert world.model.requests[0].endpoint == "first"
    assert world.job(job_id).pipeline.source == "_pipeline.yaml"


def test_a_bad_pipeline_file_fails_the_job_with_the_line() -> None:
    world = World()
    world.put("in/_pipeline.yaml", "invoke: {endpoint: demo}\nchunk:\n  max_record: 3\n")
    world.drop("in/x.csv", b"1\n")

    world.run()

    manifest = world.manifest("in/x.csv")
    assert manifest["status"] == "FAILED"
    assert manifest["failure"]["code"] == "InvalidPipeline"
    assert "in/_pipeline.yaml, line 3: unknown key" in manifest["failure"]["message"]
    assert world.announcer.jobs[0][0]["pipeline"] == "in"
    assert world.model.requests == []


def test_a_bad_pipeline_file_is_announced_when_it_is_dropped() -> None:
    world = World()
    world.drop("in/_pipeline.yaml", b"invoke: {endpint: demo}\n")

    world.run()

    (report,) = world.announcer.bad_pipelines
    assert report["pipeline"] == "in"
    assert report["file"] == "s3://input/in/_pipeline.yaml"
    assert any("endpint" in problem for problem in report["problems"])
    assert world.table.jobs == {}


def test_a_good_pipeline_file_starts_nothing() -> None:
    world = World()
    world.drop("in/_pipeline.yaml", NAMED.format("demo").encode())

    world.run()

    assert (world.announcer.bad_pipelines, world.table.jobs) == ([], {})


def test_a_pipeline_file_that_is_gone_when_it_is_checked_is_no_news() -> None:
    world = World()
    world.drop("_pipeline.yaml", b"bad")
    world.objects.delete("input", "_pipeline.yaml")

    world.run()

    assert world.announcer.bad_pipelines == []


def test_a_pipeline_file_of_many_bytes_is_refused_unread() -> None:
    world = World()
    world.put("_pipeline.yaml", b"#" * (MAXIMUM_FILE + 1))
    world.drop("x.csv", b"1\n")

    world.run()

    assert world.manifest("x.csv")["failure"]["code"] == "InvalidPipeline"


def test_a_pipeline_file_that_may_not_be_read_fails_the_job() -> None:
    world = World()
    world.objects.denied.add(("input", "_pipeline.yaml"))
    world.drop("x.csv", b"1\n")

    world.run()

    assert world.manifest("x.csv")["failure"]["code"] == "AccessDenied"


@pytest.mark.parametrize("key", ["in/_SUCCESS", "in/.hidden", "in/", ".DS_Store"])
def test_hidden_files_and_folders_start_no_job(key: str) -> None:
    world = World()
    world.drop(key, b"")

    world.run()

    assert (world.table.jobs, world.objects.keys("output")) == ({}, [])


@pytest.mark.parametrize("key", ["x.csv.out", "x.out.errors.jsonl", "x.manifest.json"])
def test_a_name_that_looks_like_an_output_fails_the_job(key: str) -> None:
    world = World()
    world.drop(key, b"1\n")

    world.run()

    assert world.manifest(key)["failure"]["code"] == "OutputNameCollision"


def test_a_name_too_long_for_its_outputs_fails_the_job_without_a_manifest() -> None:
    world = World()
    job_id = world.drop("é" * 506, b"1\n")

    world.run()

    assert world.objects.keys("output") == []
    ((summary, successful),) = world.announcer.jobs
    assert (summary["failure"]["code"], summary["manifest"], successful) == (
        "KeyTooLong",
        None,
        False,
    )
    assert world.job(job_id).status.terminal


def deleting(world: World, queue: str, key: str):
    def before(due: Due) -> None:
        if due.queue == queue:
            world.objects.history.pop(("input", key), None)

    return before


def test_an_object_deleted_before_it_is_split_fails_the_job() -> None:
    world = World()
    world.drop("x.csv", b"1\n2\n")
    world.before_delivery = deleting(world, "split", "x.csv")

    world.run()

    assert world.manifest("x.csv")["failure"]["code"] == "ObjectNotFound"


def test_an_object_deleted_before_it_is_sent_fails_its_records() -> None:
    world = World()
    world.drop("x.csv", b"1\n2\n")
    world.before_delivery = deleting(world, "invoke", "x.csv")

    world.run()

    assert [error["error"] for error in world.errors("x.csv")] == ["ObjectNotFound"] * 2
    assert world.manifest("x.csv")["records"] == {"total": 2, "succeeded": 0, "failed": 2}


def test_a_version_that_is_overwritten_or_deleted_is_read_all_the_same() -> None:
    world = World(region_bytes=2)
    world.drop("x.csv", b"1\n2\n")
    world.put("x.csv", b"9\n9\n9\n")
    world.objects.delete("input", "x.csv")

    world.run()

    assert world.lines("x.csv") == ["y(1)", "y(2)"]


def test_an_object_of_a_bucket_without_versions_that_is_overwritten_fails_the_job() -> None:
    world = World()
    world.objects.versioned = frozenset()
    world.drop("x.csv", b"1\n2\n")
    world.put("x.csv", b"1\n2\n3\n")

    world.run()

    assert world.manifest("x.csv")["failure"]["code"] == "ObjectChanged"


def test_objects_dropped_while_versioning_is_suspended_are_told_apart_and_have_no_version() -> None:
    event = World.event("input", "in/rows.txt", 4, "e", "null")
    first = Upload.from_event(event)
    event["detail"]["object"]["sequencer"] = "0062E99A88DC407461"
    second = Upload.from_event(event)

    assert first.source.version_id is None
    assert first.job_id != second.job_id


def test_a_file_dropped_again_is_another_job() -> None:
    world = World()

    first, second = world.drop("x.csv", b"1\n"), world.drop("x.csv", b"1\n")
    world.run()

    assert first != second
    assert len(world.announcer.jobs) == 2


@pytest.mark.parametrize("region_bytes", [3, 1000])
def test_a_quote_that_is_never_closed_fails_the_job_and_says_where(region_bytes: int) -> None:
    world = World(region_bytes=region_bytes)
    world.drop("x.csv", b'1\n2,"3\n4\n5\n')

    world.run()

    failure = world.manifest("x.csv")["failure"]
    assert failure["code"] == "UnbalancedQuote"
    assert "record 1, which starts at byte 2" in failure["message"]
    assert world.model.requests == []
