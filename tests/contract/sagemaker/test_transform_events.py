"""State changes of transform jobs, as the targets of the default bus see them."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.sagemaker.lab import Lab, Topic, eventually, unique
from tests.contract.sagemaker.transforms import Batch

KIND = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Transform Job State Change"],
}


@pytest.fixture
def batch(lab: Lab, tmp_path: Path) -> Batch:
    batch = Batch(lab, unique("batch"), tmp_path / "journal")
    batch.put("a", "a\n")
    return batch


def queue_with_rule(
    lab: Lab, pattern: dict[str, Any], state: str = "ENABLED", **target: Any
) -> Topic:
    """A queue that gets the events of the default bus that match."""
    name, around = unique("rule"), lab.around
    url, arn = around.queue(name, "events.amazonaws.com")
    around.rule(name, pattern, {"Arn": arn, **target}, state)
    return Topic(arn, url, around.sqs)


def of_job(name: str, *statuses: str) -> dict[str, Any]:
    """A pattern for one job, so that tests don't see each other's events."""
    detail: dict[str, Any] = {"TransformJobName": [name]}
    if statuses:
        detail["TransformJobStatus"] = list(statuses)
    return {**KIND, "detail": detail}


def statuses(events: list[Any]) -> list[str]:
    return [event["detail"]["TransformJobStatus"] for event in events]


def inject(batch: Batch, fault: str, **members: Any) -> None:
    batch.lab.server.local("PUT", "faults", [{"fault": fault, **members}])


def test_each_change_of_state_is_an_event(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name))

    job = batch.run(TransformJobName=name, Tags=[{"Key": "team", "Value": "a"}])

    events = queue.wait_for(2)
    assert statuses(events) == ["InProgress", "Completed"]
    event = events[1]
    assert event["version"] == "0"
    assert event["source"] == "aws.sagemaker"
    assert event["resources"] == [job["TransformJobArn"]]
    detail = event["detail"]
    assert detail["TransformJobArn"] == job["TransformJobArn"]
    assert detail["ModelName"] == job["ModelName"]
    assert detail["TransformResources"] == {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    assert detail["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] == batch.inputs
    assert detail["TransformEndTime"] >= detail["TransformStartTime"] >= detail["CreationTime"]
    assert detail["Tags"] == {"team": "a"}
    assert "FailureReason" not in detail


def test_the_event_of_a_failure_has_its_reason(batch: Batch):
    batch.put("a", "poison\n")
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name, "Failed"))

    job = batch.run(TransformJobName=name)

    assert queue.message()["detail"]["FailureReason"] == job["FailureReason"]


def test_stopping_is_two_changes(batch: Batch):
    batch.put("a", "sleep 30\n")
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name))
    batch.create(TransformJobName=name)
    eventually(batch.bodies)

    batch.stop(name)

    assert statuses(queue.wait_for(3)) == ["InProgress", "Stopping", "Stopped"]


def test_only_enabled_rules_that_match_get_the_event(batch: Batch):
    name = unique("job")
    wanted = queue_with_rule(batch.lab, of_job(name, "Completed", "Failed", "Stopped"))
    other = queue_with_rule(batch.lab, of_job(unique("job")))
    disabled = queue_with_rule(batch.lab, of_job(name), state="DISABLED")

    batch.run(TransformJobName=name)

    assert statuses([wanted.message()]) == ["Completed"]
    assert other.messages() == []
    assert disabled.messages() == []


def test_a_target_may_have_an_input_of_its_own(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name, "Completed"), Input='{"constant": 1}')

    batch.run(TransformJobName=name)

    assert queue.message() == {"constant": 1}


def test_an_event_can_be_lost(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name))
    inject(batch, "lost_event", endpoint=name, times=1)

    batch.run(TransformJobName=name)

    assert statuses([queue.message()]) == ["Completed"]


def test_a_change_can_be_several_events(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name, "Completed"))
    inject(batch, "duplicate_event", endpoint=name, count=2)

    batch.run(TransformJobName=name)

    events = queue.wait_for(3)
    assert statuses(events) == ["Completed"] * 3
    assert len({event["id"] for event in events}) == 3


def test_an_event_can_come_late(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name))
    inject(batch, "delayed_event", endpoint=name, seconds=1.5, times=1)

    batch.run(TransformJobName=name)

    assert statuses(queue.wait_for(2)) == ["Completed", "InProgress"]


def test_events_can_change_places(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name))
    inject(batch, "reordered_event", endpoint=name, times=1)

    batch.run(TransformJobName=name)

    assert statuses(queue.wait_for(2)) == ["Completed", "InProgress"]


def test_faults_of_notifications_leave_events_alone(batch: Batch):
    name = unique("job")
    queue = queue_with_rule(batch.lab, of_job(name, "Completed"))
    inject(batch, "lost_notification")

    batch.run(TransformJobName=name)

    assert queue.message()
