"""Admissions: the fake and DynamoDB answer alike."""

import pytest

from penstock.adapters.admissions import DynamoDbAdmissions, lane_key
from penstock.domain.admission import Lane, Occupancy, Share
from penstock.domain.errors import PermanentError
from penstock.domain.pacing import Pace, Round
from penstock.ports import Admissions, Change
from penstock.testing import FakeAdmissions
from tests.contract.adapters.conftest import NOW
from tests.contract.adapters.test_job_table import size_of
from tests.moto_stack import MotoStack, client

LANE = Lane("churn", 0, 1)
FIRST, SECOND = "0123abcd", "4567ef01"
PACE = Pace(12.5, 1, NOW + 0.25, NOW - 9, 1.234, 4.5, 0.98, None, 3, 25.0, 7)


@pytest.fixture
def dynamodb_admissions(stack: MotoStack) -> DynamoDbAdmissions:
    return DynamoDbAdmissions(client("dynamodb"), stack.names["JobTable"], lambda: NOW, 3600)


@pytest.fixture(params=["fake", "aws"])
def admissions(request: pytest.FixtureRequest) -> Admissions:
    if request.param == "fake":
        return FakeAdmissions()
    return request.getfixturevalue("dynamodb_admissions")


def test_a_lane_that_nobody_has_written_is_empty(admissions: Admissions) -> None:
    assert admissions.read(LANE) == Occupancy()


def test_changes_add_up_and_answer_with_the_lane_after_them(admissions: Admissions) -> None:
    admissions.count(LANE, FIRST, Change(NOW, held=10, sent=10))
    admissions.count(LANE, SECOND, Change(NOW + 0.5, held=3, sent=3))
    after = admissions.count(LANE, FIRST, Change(NOW + 1.125, held=-4))

    assert after.shares == {FIRST: Share(6, 10, NOW + 1.125), SECOND: Share(3, 3, NOW + 0.5)}
    assert admissions.read(LANE) == after


def test_what_is_given_back_twice_is_below_nothing(admissions: Admissions) -> None:
    after = admissions.count(LANE, FIRST, Change(NOW, held=-2))

    assert after.share(FIRST).held == -2
    assert after.held == 0


def test_lanes_are_counted_by_endpoint_and_number(admissions: Admissions) -> None:
    admissions.count(LANE, FIRST, Change(NOW, held=1))

    assert admissions.read(Lane("churn", 1, 2)).held == 0
    assert admissions.read(Lane("other", 0, 1)).held == 0
    assert admissions.read(Lane("churn", 0, 5)).held == 1


def test_a_pace_is_kept_as_it_is(admissions: Admissions) -> None:
    assert admissions.put_pace(LANE, PACE)

    assert admissions.read(LANE).pace == PACE


def test_only_the_next_round_begins(admissions: Admissions) -> None:
    assert not admissions.put_pace(LANE, Pace(7, number=2))
    assert admissions.put_pace(LANE, Pace(8, number=1))
    assert not admissions.put_pace(LANE, Pace(9, number=1))
    assert admissions.put_pace(LANE, Pace(10, number=2))

    assert admissions.read(LANE).pace == Pace(10, number=2)


def test_answers_add_up_until_the_round_is_over(admissions: Admissions) -> None:
    before = admissions.count(LANE, FIRST, Change(NOW, -2, answered=Round(2, 1.5, 20)))
    assert before.answered == Round(2, 1.5, 20)
    admissions.put_pace(LANE, Pace(5, number=1))
    assert admissions.read(LANE).answered == Round()

    admissions.count(LANE, FIRST, Change(NOW, -1, answered=Round(1, 0.25, 7), number=1))
    after = admissions.count(LANE, SECOND, Change(NOW, -3, answered=Round(3, 4.5, 9), number=1))

    assert after.answered == Round(4, 4.75, 16)


def test_an_answer_of_the_round_before_is_not_counted_in_this_one(admissions: Admissions) -> None:
    admissions.put_pace(LANE, Pace(5, number=1))

    after = admissions.count(LANE, FIRST, Change(NOW, -1, answered=Round(1, 9.5, 1), number=0))
    admissions.put_pace(LANE, Pace(5, number=2))

    assert after.answered == Round()
    assert admissions.read(LANE).answered == Round()


def test_a_share_is_taken_out(admissions: Admissions) -> None:
    admissions.count(LANE, FIRST, Change(NOW, held=5, sent=5))
    admissions.count(LANE, SECOND, Change(NOW, held=1, sent=1))

    admissions.forget(LANE, FIRST)
    admissions.forget(LANE, "ffffffff")
    admissions.forget(Lane("unknown", 0, 1), FIRST)

    assert admissions.read(LANE).shares == {SECOND: Share(1, 1, NOW)}


def test_a_share_that_has_changed_meanwhile_stays(admissions: Admissions) -> None:
    seen = admissions.count(LANE, FIRST, Change(NOW, held=5)).share(FIRST)
    admissions.count(LANE, FIRST, Change(NOW, held=1))

    admissions.forget(LANE, FIRST, seen)
    assert admissions.read(LANE).share(FIRST).held == 6

    admissions.forget(LANE, FIRST, admissions.read(LANE).share(FIRST))
    assert admissions.read(LANE).shares == {}


# What only the adapter has: sizes, expiry, errors.


def test_a_lane_with_twenty_jobs_costs_one_write_unit(
    dynamodb_admissions: DynamoDbAdmissions,
) -> None:
    lane = Lane("e" * 63, 4, 5)
    at, latency = 1_800_000_000.123, 3599.1
    pace = Pace(1999.99, 99_999, at, at, latency, 1234.6, latency, latency, 40, 1999.99, 3600)
    dynamodb_admissions.put_pace(lane, Pace(1, number=1))
    for job in range(20):
        change = Change(at, 500, 99_999, Round(100, 12_345.678, 99_999), number=1)
        dynamodb_admissions.count(lane, f"{job:08x}", change)
    dynamodb_admissions.dynamodb.update_item(
        TableName=dynamodb_admissions.table,
        Key=lane_key(lane),
        UpdateExpression="SET r = :before",
        ExpressionAttributeValues={":before": {"N": str(pace.number - 1)}},
    )
    assert dynamodb_admissions.put_pace(lane, pace)

    key = {"TableName": dynamodb_admissions.table, "Key": lane_key(lane)}
    size = size_of(client("dynamodb").get_item(**key)["Item"])

    assert 900 < size <= 1024


def test_a_pace_that_was_kept_before_there_were_storms_can_be_read(
    dynamodb_admissions: DynamoDbAdmissions,
) -> None:
    dynamodb_admissions.dynamodb.put_item(
        TableName=dynamodb_admissions.table,
        Item={**lane_key(LANE), "pace": {"S": "[12.5,1,2.5,0.0,1.2,4.5,null,null,3]"}},
    )

    assert dynamodb_admissions.read(LANE).pace == Pace(12.5, 1, 2.5, 0.0, 1.2, 4.5, rounds=3)


def test_a_lane_expires(dynamodb_admissions: DynamoDbAdmissions) -> None:
    other = Lane("other", 0, 1)
    dynamodb_admissions.count(LANE, FIRST, Change(NOW, held=1))
    dynamodb_admissions.put_pace(other, PACE)

    items = client("dynamodb").scan(TableName=dynamodb_admissions.table)["Items"]

    assert [item["expires_at"]["N"] for item in items] == ["1800003600"] * 2


def test_a_write_that_fails_is_not_taken_for_a_condition_that_does(stack: MotoStack) -> None:
    missing = DynamoDbAdmissions(client("dynamodb"), "no-such-table", lambda: NOW, 3600)

    with pytest.raises(PermanentError, match="ResourceNotFoundException"):
        missing.put_pace(LANE, PACE)
