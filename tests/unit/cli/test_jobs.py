import pytest

from penstock_cli.errors import WrongUsageError
from penstock_cli.jobs import Jobs
from tests.unit.cli.world import START, job_of


@pytest.fixture
def jobs(world):
    return Jobs.of(world.connection)


def test_the_newest_jobs_come_first(world, jobs):
    for age in (30, 10, 20):
        world.put(job_of(version=str(age), created_at=START - age))

    assert [START - job.created_at for job in jobs.newest(2)] == [10, 20]


def test_a_job_is_found_by_its_id_and_by_the_beginning_of_it(world, jobs):
    job = world.put(job_of())
    world.put(job_of(version="2"))

    assert jobs.find(job.job_id) == job
    assert jobs.find(job.job_id[:4]) == job


def test_a_beginning_of_several_ids_names_them(world, jobs):
    twins = [world.put(job_of(job_id="abcd" + digit * 16)) for digit in "12"]

    with pytest.raises(WrongUsageError, match="several") as caught:
        jobs.find("abcd")

    assert all(twin.job_id in caught.value.message for twin in twins)


@pytest.mark.parametrize(
    "reference",
    ["digits/a b.csv", "s3://inputs/digits/a b.csv", "a b.csv"],
    ids=["key", "uri", "name"],
)
def test_a_file_stands_for_its_newest_job(world, jobs, reference):
    world.put(job_of("digits/a b.csv", created_at=START))
    newest = world.put(job_of("digits/a b.csv", version="2", created_at=START + 5))
    world.put(job_of("digits/xa b.csv", created_at=START + 9))

    assert jobs.find(reference) == newest


@pytest.mark.parametrize("name", ['quo"te.csv', "ünï.csv", "cafe", "back\\slash.csv"])
def test_a_file_of_any_name_is_found(world, jobs, name):
    job = world.put(job_of(f"digits/{name}"))

    assert jobs.find(name) == job


def test_the_same_key_in_another_bucket_is_another_file(world, jobs):
    world.put(job_of("a.csv"))

    with pytest.raises(WrongUsageError, match="no job s3://elsewhere/a"):
        jobs.find("s3://elsewhere/a.csv")


@pytest.mark.parametrize("reference", ["0" * 20, "0000", "abc", "nowhere.csv"])
def test_an_unknown_job_is_a_usage_error_that_says_how_to_name_one(jobs, reference):
    with pytest.raises(WrongUsageError, match="`penstock status` lists"):
        jobs.find(reference)


def test_a_job_beyond_the_first_page_is_found(world, jobs):
    # Ten jobs of 300 KB: a page of DynamoDB ends at 1 MB, filtered or not.
    padding = "x" * 300_000
    oldest = world.put(job_of("old.csv", created_at=START - 1))
    for number in range(10):
        world.put(job_of(f"{number}/{padding}", version=str(number), created_at=START + number))

    assert jobs.find("old.csv") == oldest
    assert len(jobs.newest(20)) == 11
