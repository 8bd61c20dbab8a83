from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import (
    ACCOUNT,
    BUCKET,
    IMAGE,
    REGION,
    ROLE,
    Lab,
    Server,
    async_config,
    unique,
    variant_of,
)


def refusal(call: Any, **parameters: Any) -> str:
    """The message of the ValidationException that the call ends in."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    message: str = caught.value.response["Error"]["Message"]
    return message


def test_a_model_is_described_as_it_was_created_until_it_is_deleted(lab: Lab):
    control = lab.server.control
    name = lab.model({"A": "1"})

    described = control.describe_model(ModelName=name)
    assert described["PrimaryContainer"] == {"Image": IMAGE, "Environment": {"A": "1"}}
    assert described["ExecutionRoleArn"] == ROLE
    assert described["ModelArn"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model/{name}"
    assert described["CreationTime"].year >= 2024

    control.delete_model(ModelName=name)
    assert refusal(control.describe_model, ModelName=name).startswith('Could not find model "arn:')


def test_a_configuration_is_described_as_it_was_created_until_it_is_deleted(lab: Lab):
    control = lab.server.control
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:t"
    asynchronous = async_config(topic, topic, 7, {})
    name = lab.config(lab.model(), asynchronous)

    described = control.describe_endpoint_config(EndpointConfigName=name)
    assert described["AsyncInferenceConfig"] == asynchronous
    assert described["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"

    control.delete_endpoint_config(EndpointConfigName=name)
    message = refusal(control.describe_endpoint_config, EndpointConfigName=name)
    assert message.startswith('Could not find endpoint configuration "arn:')


def test_an_endpoint_is_created_serves_and_is_deleted(lab: Lab):
    control = lab.server.control
    config = lab.config(lab.model(), InitialInstanceCount=2)
    name = lab.endpoint(config)
    assert lab.server.status(name) == "Creating"

    control.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 60}
    )
    described = control.describe_endpoint(EndpointName=name)
    assert described["EndpointConfigName"] == config
    assert described["EndpointArn"].endswith(f":endpoint/{name}")
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2

    control.delete_endpoint(EndpointName=name)
    control.get_waiter("endpoint_deleted").wait(
        EndpointName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 60}
    )
    message = refusal(control.describe_endpoint, EndpointName=name)
    assert message.startswith('Could not find endpoint "arn:')


def test_a_name_can_not_be_taken_twice(lab: Lab):
    model = lab.model()
    config = lab.config(model)
    container = {"Image": IMAGE}
    control = lab.server.control

    again = refusal(control.create_model, ModelName=model, PrimaryContainer=container)
    assert again.startswith('Cannot create already existing model "arn:')
    again = refusal(
        control.create_endpoint_config,
        EndpointConfigName=config,
        ProductionVariants=[variant_of(model)],
    )
    assert again.startswith('Cannot create already existing endpoint configuration "arn:')
    name = lab.endpoint(config)
    again = refusal(control.create_endpoint, EndpointName=name, EndpointConfigName=config)
    assert again.startswith('Cannot create already existing endpoint "arn:')


def test_what_a_request_refers_to_must_exist(lab: Lab):
    control = lab.server.control
    missing = refusal(
        control.create_endpoint_config,
        EndpointConfigName="c",
        ProductionVariants=[variant_of("no-model")],
    )
    assert missing.startswith("Could not find model")
    missing = refusal(control.create_endpoint, EndpointName="e", EndpointConfigName="no-config")
    assert missing.startswith("Could not find endpoint configuration")
    for delete in (control.delete_endpoint, control.describe_endpoint):
        assert refusal(delete, EndpointName="none").startswith("Could not find endpoint")


def test_lists_are_filtered_sorted_and_paged(lab: Lab):
    mark = unique("listed")
    control = lab.server.control
    for number in range(3):
        control.create_model(ModelName=f"{mark}-{number}", PrimaryContainer={"Image": IMAGE})

    first = control.list_models(
        NameContains=mark, MaxResults=2, SortBy="Name", SortOrder="Ascending"
    )
    rest = control.list_models(
        NameContains=mark, SortBy="Name", SortOrder="Ascending", NextToken=first["NextToken"]
    )

    names = [model["ModelName"] for model in first["Models"] + rest["Models"]]
    assert names == [f"{mark}-{number}" for number in range(3)]
    assert "NextToken" not in rest


def test_endpoints_are_listed_with_their_status(lab: Lab):
    name = lab.real_time_endpoint()

    found = lab.server.control.list_endpoints(NameContains=name, StatusEquals="InService")

    assert [item["EndpointName"] for item in found["Endpoints"]] == [name]
    assert (
        lab.server.control.list_endpoints(NameContains=name, StatusEquals="Failed")["Endpoints"]
        == []
    )


def model_request(**container: Any) -> dict[str, Any]:
    return {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE, **container}}


@pytest.mark.local
@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"ModelName": "no_underscore", "PrimaryContainer": {"Image": IMAGE}},
            "1 validation error detected: Value 'no_underscore' at 'modelName' failed to satisfy",
        ),
        (
            {"ModelName": "x" * 64, "PrimaryContainer": {"Image": IMAGE}},
            "Member must have length less than or equal to 63",
        ),
        (
            model_request(Mode="Several"),
            "constraint: Member must satisfy enum value set: [SingleModel, MultiModel]",
        ),
        (model_request(Image="file:///" + "x" * 248), "'primaryContainer.image' failed to satisfy"),
        (model_request(Environment={"A": "x" * 1025}), "Map value must satisfy constraint"),
        (model_request(Environment={"1": "x"}), "Map keys must satisfy constraint"),
        (
            model_request(Environment={f"A{n}": "x" * 1020 for n in range(33)}),
            "must not exceed 32 KB",
        ),
        ({"ModelName": "m"}, "One of PrimaryContainer and Containers must be specified"),
        (
            {**model_request(), "Containers": [{"Image": IMAGE}]},
            "Cannot specify both PrimaryContainer and Containers",
        ),
        (model_request(Image="file:///no/such/folder"), "no executable `serve`"),
        (model_request(ModelDataUrl="file:///no/such/folder"), "is no folder"),
        ({**model_request(), "Tags": [{"Key": "k", "Value": "é€ / ok"}] * 51}, "at 'tags' failed"),
    ],
)
def test_a_bad_model_is_refused_in_the_services_words(
    server: Server, request_: dict[str, Any], message: str
):
    assert message in refusal(server.control.create_model, **request_)


ELASTIC = "Elastic Inference (EI) is no longer available"
YET = "is not supported by the local SageMaker yet"
DATA_CAPTURE = {
    "InitialSamplingPercentage": 10,
    "DestinationS3Uri": f"s3://{BUCKET}/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


@pytest.mark.local
@pytest.mark.parametrize(
    "request_",
    [
        model_request(Image="000000000000.dkr.ecr.eu-west-1.amazonaws.com/model:1"),
        model_request(ModelDataUrl="https://example.com/model.tar.gz"),
        model_request(ModelPackageName="package"),
        {**model_request(), "EnableNetworkIsolation": True},
        {**model_request(), "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["s-1"]}},
    ],
)
def test_a_model_with_what_this_server_can_not_do_is_refused(
    server: Server, request_: dict[str, Any]
):
    assert YET in refusal(server.control.create_model, **request_)


@pytest.mark.local
@pytest.mark.parametrize(
    ("variant", "further", "message"),
    [
        ({"AcceleratorType": "ml.eia2.medium"}, {}, ELASTIC),
        ({"ManagedInstanceScaling": {"Status": "ENABLED"}}, {}, YET),
        ({"RoutingConfig": {"RoutingStrategy": "RANDOM"}}, {}, YET),
        ({"CoreDumpConfig": {"DestinationS3Uri": "s3://b/k"}}, {}, YET),
        ({}, {"DataCaptureConfig": DATA_CAPTURE}, YET),
        ({}, {"KmsKeyId": "alias/volume"}, YET),
        ({}, {"AsyncInferenceConfig": {"OutputConfig": {}}}, YET),
        ({"InitialInstanceCount": None}, {}, "InitialInstanceCount is required"),
        ({"InstanceType": "ml.toy"}, {}, "Member must satisfy enum value set"),
        ({"ContainerStartupHealthCheckTimeoutInSeconds": 3601}, {}, "less than or equal to 3600"),
        (
            {},
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "ftp://b"}}},
            "Value 'ftp://b' at 'asyncInferenceConfig.outputConfig.s3OutputPath' failed",
        ),
        (
            {},
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/o"},
                    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1001},
                }
            },
            "Member must have value less than or equal to 1000",
        ),
        (
            {},
            {
                "AsyncInferenceConfig": {
                    "OutputConfig": {
                        "S3OutputPath": f"s3://{BUCKET}/o",
                        "NotificationConfig": {"SuccessTopic": "not-an-arn"},
                    }
                }
            },
            "notificationConfig.successTopic' failed to satisfy constraint",
        ),
    ],
)
def test_a_configuration_that_this_server_can_not_honour_is_refused(
    lab: Lab, variant: dict[str, Any], further: dict[str, Any], message: str
):
    wanted = {**variant_of(lab.model()), **variant}
    wanted = {name: value for name, value in wanted.items() if value is not None}

    assert message in refusal(
        lab.server.control.create_endpoint_config,
        EndpointConfigName="c",
        ProductionVariants=[wanted],
        **further,
    )


@pytest.mark.local
def test_an_operation_of_sagemaker_that_is_missing_here_is_refused(server: Server):
    assert "The operation ListTrainingJobs is not supported" in refusal(
        server.control.list_training_jobs
    )


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("SageMaker.Nothing", b"{}", "UnknownOperationException"),
        ("", b"{}", "UnknownOperationException"),
        ("SageMaker.CreateModel", b"{", "SerializationException"),
        ("SageMaker.CreateModel", b'{"ModelName": 5}', "SerializationException"),
        ("SageMaker.CreateModel", b"{}", "ValidationException"),
        ("SageMaker.CreateModel", b'{"ModelName": "m", "Invented": 1}', "ValidationException"),
    ],
)
def test_what_no_sdk_sends_gets_an_error_of_the_protocol(
    server: Server, target: str, body: bytes, code: str
):
    answer = server.http("POST", "/", body, X_Amz_Target=target)

    assert (answer.status, answer.document["__type"]) == (400, code)
