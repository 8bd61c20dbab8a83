"""Rules for buckets, table and topics."""

import pytest

from penstock.adapters import items
from tests.template.model import Template, denies_without_tls, target

BUCKETS = ["InputBucket", "WorkBucket", "OutputBucket"]
DAY = 86400


def test_the_buckets_are_those_of_the_design(template: Template):
    assert list(template.of_type("AWS::S3::Bucket")) == BUCKETS


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_private(template: Template, bucket: str):
    properties = template.properties(bucket)

    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    rules = properties["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_encrypted(template: Template, bucket: str):
    encryption = template.properties(bucket)["BucketEncryption"]

    (rule,) = encryption["ServerSideEncryptionConfiguration"]

    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_and_its_objects_are_reached_over_tls_only(template: Template, bucket: str):
    policies = template.of_type("AWS::S3::BucketPolicy").values()

    (policy,) = [each for each in policies if target(each["Bucket"]) == bucket]

    assert denies_without_tls(policy)
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [
        {"Fn::GetAtt": [bucket, "Arn"]},
        {"Fn::Sub": f"${{{bucket}.Arn}}/*"},
    ]


@pytest.mark.parametrize("name", [*BUCKETS, "JobTable"])
def test_what_holds_data_outlives_the_stack_but_not_a_failed_creation(
    template: Template, name: str
):
    assert template.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert template.resources[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("bucket", ["InputBucket", "OutputBucket"])
def test_what_belongs_to_the_user_is_versioned_and_never_expires(template: Template, bucket: str):
    properties = template.properties(bucket)

    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = properties["LifecycleConfiguration"]["Rules"]
    assert set(rule) == {"Id", "Status", "AbortIncompleteMultipartUpload"}


def test_the_work_bucket_forgets(template: Template):
    rules = template.properties("WorkBucket")["LifecycleConfiguration"]["Rules"]

    assert {"Ref": "WorkRetentionDays"} in [rule.get("ExpirationInDays") for rule in rules]
    assert {rule["Status"] for rule in rules} == {"Enabled"}


@pytest.mark.parametrize(("bucket", "days"), [("InputBucket", 7), ("WorkBucket", 1)])
def test_forgotten_uploads_are_aborted(template: Template, bucket: str, days: int):
    assert abort_after_days(template, bucket) == days


def test_no_job_outlives_its_own_upload_its_work_or_its_table_items(template: Template):
    longest_job = template.parameters["JobDeadlineSeconds"]["MaxValue"] / DAY

    assert abort_after_days(template, "OutputBucket") > longest_job
    assert template.parameters["WorkRetentionDays"]["MinValue"] > longest_job
    assert min(template.parameters["RetentionDays"]["AllowedValues"]) > longest_job


def test_the_table_has_the_keys_and_the_indexes_that_the_adapter_uses(template: Template):
    table = template.properties("JobTable")

    assert keys(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}
    listing, sweep = table["GlobalSecondaryIndexes"]
    assert listing["IndexName"] == "listing"
    assert keys(listing["KeySchema"]) == {"HASH": "listing", "RANGE": "listed_at"}
    assert listing["Projection"] == {"ProjectionType": "ALL"}
    assert sweep["IndexName"] == items.SWEEP
    assert keys(sweep["KeySchema"]) == {"HASH": "sweep", "RANGE": "sweep_at"}
    assert sweep["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_the_table_forgets_by_itself_can_be_restored_and_is_encrypted(template: Template):
    table = template.properties("JobTable")

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_topics_refuse_to_be_published_to_without_tls(template: Template):
    policies = template.of_type("AWS::SNS::TopicPolicy").values()

    covered = [target(topic) for policy in policies for topic in policy["Topics"]]

    assert sorted(covered) == sorted(template.of_type("AWS::SNS::Topic"))
    for policy in policies:
        assert denies_without_tls(policy)
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Resource"] == policy["Topics"]


def test_only_topics_that_endpoints_publish_to_have_no_key(template: Template):
    topics = template.of_type("AWS::SNS::Topic")

    without = {name for name, topic in topics.items() if "KmsMasterKeyId" not in topic}

    assert without == {"InferenceSuccessTopic", "InferenceErrorTopic"}


def test_endpoints_of_this_account_may_publish_their_notifications(template: Template):
    policy = template.properties("InferenceTopicsPolicy")["PolicyDocument"]

    (statement,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]

    account = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
    assert statement["Principal"] == {"AWS": {"Fn::Sub": account}}
    assert statement["Action"] == "sns:Publish"


def keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in schema}


def abort_after_days(template: Template, bucket: str) -> int:
    (days,) = [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in template.properties(bucket)["LifecycleConfiguration"]["Rules"]
        if "AbortIncompleteMultipartUpload" in rule and rule["Status"] == "Enabled"
    ]
    return int(days)
