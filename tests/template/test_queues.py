"""Nothing is lost in a queue without somebody being told."""

import pytest

from docs.generate_template_docs import as_list
from penstock.domain.transform_event import DETAIL_TYPE
from penstock.domain.transform_job import Status
from tests.template.model import Template, denies_without_tls, target

QUEUES = [
    *("UploadQueue", "SplitQueue", "InvokeQueue", "TransformQueue", "ResultQueue"),
    "AssembleQueue",
]


# What handle_dead_letter takes may be gone before the depth of the queue is measured.
FUNCTION_ALARMS = {
    "DeadLetterAlarm": ("Invocations", "HandleDeadLetterFunction"),
    "SweepAlarm": ("Errors", "SweepJobsFunction"),
}


def dead_letter(queue: str) -> str:
    return queue.replace("Queue", "DeadLetterQueue")


def test_the_queues_are_those_of_the_design(template: Template):
    assert list(template.queues) == QUEUES
    assert set(template.dead_letter_queues) == {dead_letter(queue) for queue in QUEUES}


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_stays_hidden_for_six_times_the_functions_timeout(template: Template, queue: str):
    (function,) = [name for name in template.functions if queue in template.source_queues(name)]

    timeout = template.functions[function]["Timeout"]

    assert template.queues[queue]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_that_always_fails_ends_in_the_queues_own_dead_letter_queue(
    template: Template, queue: str
):
    redrive = template.queues[queue]["RedrivePolicy"]

    assert target(redrive["deadLetterTargetArn"]) == dead_letter(queue)
    assert redrive["maxReceiveCount"] == 10  # deliveries that Lambda throttles count too


@pytest.mark.parametrize("queue", QUEUES)
def test_a_dead_letter_outlives_its_queue(template: Template, queue: str):
    kept = template.dead_letter_queues[dead_letter(queue)]["MessageRetentionPeriod"]

    assert kept == 14 * 86400  # the longest that SQS takes
    assert template.queues[queue]["MessageRetentionPeriod"] <= kept / 2


@pytest.mark.parametrize("queue", QUEUES)
def test_a_job_ends_before_its_messages_do(template: Template, queue: str):
    longest_job = template.parameters["JobDeadlineSeconds"]["MaxValue"]

    assert template.queues[queue]["MessageRetentionPeriod"] >= longest_job


@pytest.mark.parametrize("queue", QUEUES)
def test_the_first_dead_letter_raises_an_alarm(template: Template, queue: str):
    alarm = template.properties(queue.replace("Queue", "DeadLetterAlarm"))

    (dimension,) = alarm["Dimensions"]
    assert dimension["Name"] == "QueueName"
    assert dimension["Value"] == {"Fn::GetAtt": [dead_letter(queue), "QueueName"]}
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
    )
    assert (alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"]) == (1, 60, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize(("name", "measured"), FUNCTION_ALARMS.items())
def test_a_dead_letter_that_is_handled_and_a_sweep_that_fails_raise_an_alarm(
    template: Template, name: str, measured: tuple[str, str]
):
    alarm = template.properties(name)

    (dimension,) = alarm["Dimensions"]
    assert dimension["Name"] == "FunctionName"
    assert (alarm["MetricName"], target(dimension["Value"])) == measured
    assert (alarm["Namespace"], alarm["Statistic"]) == ("AWS/Lambda", "Sum")
    assert (alarm["Threshold"], alarm["Period"], alarm["EvaluationPeriods"]) == (1, 60, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_every_dead_letter_is_handled(template: Template):
    function = "HandleDeadLetterFunction"

    assert template.source_queues(function) == [dead_letter(queue) for queue in QUEUES]
    for event in template.functions[function]["Events"].values():
        assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert event["Properties"]["BatchSize"] == 10
    for name in template.dead_letter_queues:
        visibility = template.dead_letter_queues[name]["VisibilityTimeout"]
        assert visibility >= 6 * template.functions[function]["Timeout"]


def test_every_alarm_goes_to_the_users_topic_if_there_is_one(template: Template):
    alarms = template.of_type("AWS::CloudWatch::Alarm")

    assert len(alarms) == len(QUEUES) + len(FUNCTION_ALARMS)
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == {
            "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
        }


def test_every_queue_is_encrypted(template: Template):
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        assert queue["SqsManagedSseEnabled"] is True, name


def test_every_queue_has_one_policy_and_that_refuses_what_comes_without_tls(template: Template):
    policies = template.of_type("AWS::SQS::QueuePolicy").values()

    covered = [target(queue) for policy in policies for queue in policy["Queues"]]

    # Of two policies for one queue the last one to be set would win.
    assert sorted(covered) == sorted(template.of_type("AWS::SQS::Queue"))
    assert all(denies_without_tls(policy) for policy in policies)


def test_aws_services_fill_a_queue_for_our_own_rule_and_topics_only(template: Template):
    sources = {
        (principal["Service"], target(arn))
        for policy in template.of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for principal in [statement["Principal"]]
        for condition in [statement["Condition"]["ArnEquals"]]
        for arn in as_list(condition["aws:SourceArn"])
    }

    assert sources == {
        ("events.amazonaws.com", "UploadRule"),
        ("events.amazonaws.com", "TransformRule"),
        ("sns.amazonaws.com", "InferenceSuccessTopic"),
        ("sns.amazonaws.com", "InferenceErrorTopic"),
    }


def test_ends_of_our_transform_jobs_come_to_the_result_queue(template: Template):
    rule = template.properties("TransformRule")

    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": [DETAIL_TYPE],
        "detail": {
            "TransformJobName": [{"prefix": "penstock-"}],
            "TransformJobStatus": [each.value for each in Status if each.terminal][:3],
        },
    }
    (destination,) = rule["Targets"]
    assert target(destination["Arn"]) == "ResultQueue"
    assert target(destination["DeadLetterConfig"]["Arn"]) == "ResultDeadLetterQueue"


def test_objects_dropped_into_the_input_bucket_come_to_the_upload_queue(template: Template):
    rule = template.properties("UploadRule")

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": "InputBucket"}]}},
    }
    (destination,) = rule["Targets"]
    assert target(destination["Arn"]) == "UploadQueue"
    assert target(destination["DeadLetterConfig"]["Arn"]) == "UploadDeadLetterQueue"
    bucket = template.properties("InputBucket")
    notified = bucket["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert notified == {"EventBridgeEnabled": True}


def test_both_kinds_of_notification_come_to_the_result_queue_as_they_are(template: Template):
    subscriptions = template.of_type("AWS::SNS::Subscription").values()

    topics = {target(subscription["TopicArn"]) for subscription in subscriptions}

    assert topics == {"InferenceSuccessTopic", "InferenceErrorTopic"}
    for subscription in subscriptions:
        assert target(subscription["Endpoint"]) == "ResultQueue"
        assert subscription["RawMessageDelivery"] is True
        redrive = subscription["RedrivePolicy"]
        assert target(redrive["deadLetterTargetArn"]) == "ResultDeadLetterQueue"
