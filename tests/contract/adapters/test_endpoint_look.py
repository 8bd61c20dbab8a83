"""What `penstock connect` makes of AWS's answers, in the shapes that botocore knows."""

from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from penstock_cli.endpoint_facts import AsyncFacts, ScalingFacts, StackFacts
from penstock_cli.endpoint_look import EndpointLook

ARN = "arn:aws:sagemaker:eu-west-1:000000000000:"
ROLE = "arn:aws:iam::000000000000:role/endpoint"
TOPIC = "arn:aws:sns:eu-west-1:000000000000:success"
STACK = StackFacts("work", TOPIC, TOPIC, "churn")
WHERE = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:x"}


class Clients:
    """A stubbed client of each service, which answers what it was told, in order."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}

    def __call__(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service, region_name="eu-west-1")  # type: ignore[call-overload]
            self.stubs[service] = Stubber(self.clients[service])
            self.stubs[service].activate()
        return self.clients[service]

    def answer(self, service: str, call: str, document: dict[str, Any]) -> None:
        self(service)
        self.stubs[service].add_response(call, document)

    def refuse(self, service: str, call: str) -> None:
        self(service)
        self.stubs[service].add_client_error(call, "AccessDeniedException", "no")


@pytest.fixture
def clients() -> Clients:
    clients = Clients()
    times = {"CreationTime": 0, "LastModifiedTime": 0}
    clients.answer(
        "sagemaker",
        "describe_endpoint",
        {
            "EndpointName": "churn",
            "EndpointArn": f"{ARN}endpoint/churn",
            "EndpointConfigName": "churn-1",
            "EndpointStatus": "InService",
            **times,
        },
    )
    output = {
        "S3OutputPath": STACK.output_path,
        "NotificationConfig": {"SuccessTopic": TOPIC},
    }
    clients.answer(
        "sagemaker",
        "describe_endpoint_config",
        {
            "EndpointConfigName": "churn-1",
            "EndpointConfigArn": f"{ARN}endpoint-config/churn-1",
            "CreationTime": 0,
            "ProductionVariants": [{"VariantName": "main", "ModelName": "churn"}],
            "AsyncInferenceConfig": {"OutputConfig": output},
        },
    )
    return clients


def with_model(clients: Clients) -> None:
    clients.answer(
        "sagemaker",
        "describe_model",
        {
            "ModelName": "churn",
            "ModelArn": f"{ARN}model/churn",
            "CreationTime": 0,
            "ExecutionRoleArn": ROLE,
            "Containers": [{"ContainerHostname": "first"}, {"ContainerHostname": "second"}],
            "InferenceExecutionConfig": {"Mode": "Direct"},
        },
    )


def with_scaling(clients: Clients) -> None:
    target = WHERE | {
        "ResourceId": "endpoint/churn/variant/main",
        "MinCapacity": 0,
        "MaxCapacity": 2,
        "RoleARN": ROLE,
        "CreationTime": 0,
    }
    service = "application-autoscaling"
    clients.answer(service, "describe_scalable_targets", {"ScalableTargets": [target]})
    policy = WHERE | {
        "PolicyARN": "arn",
        "PolicyName": "wake-up",
        "ResourceId": "endpoint/churn/variant/main",
        "PolicyType": "StepScaling",
        "CreationTime": 0,
        "Alarms": [{"AlarmName": "asleep", "AlarmARN": "arn"}],
    }
    clients.answer(service, "describe_scaling_policies", {"ScalingPolicies": [policy]})
    alarm = {"AlarmName": "asleep", "MetricName": "HasBacklogWithoutCapacity"}
    clients.answer("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm]})


def with_permissions(clients: Clients, *decisions: str) -> None:
    role = {
        "Path": "/",
        "RoleName": "endpoint",
        "RoleId": "AROA0123456789ABCDEF",
        "Arn": ROLE,
        "CreateDate": 0,
    }
    clients.answer("iam", "get_role", {"Role": role})
    for decision in decisions:
        result = {"EvalActionName": "sns:Publish", "EvalDecision": decision}
        clients.answer("iam", "simulate_principal_policy", {"EvaluationResults": [result]})


def test_all_that_can_be_asked_is_found(clients: Clients) -> None:
    with_model(clients)
    with_scaling(clients)
    with_permissions(clients, "allowed", "allowed", "implicitDeny", "allowed", "allowed")

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.asynchronous == AsyncFacts(STACK.output_path, None, TOPIC, None)
    assert facts.model is not None
    assert (facts.model.direct, facts.model.containers) == (True, ("first", "second"))
    assert facts.scaling == ScalingFacts(0, frozenset({"HasBacklogWithoutCapacity"}))
    assert facts.denied == (("s3:PutObject", "arn:aws:s3:::work/async/failure/x"),)
    assert facts.unchecked == ()


def test_what_may_not_be_asked_is_noted_and_the_rest_is_found(clients: Clients) -> None:
    with_model(clients)
    clients.refuse("application-autoscaling", "describe_scalable_targets")
    clients.refuse("iam", "get_role")

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.status == "InService"
    assert (facts.scaling, facts.denied) == (None, None)
    assert facts.unchecked == (
        "scaling: AccessDenied",
        "the execution role's permissions: AccessDenied",
    )


def test_an_endpoint_of_components_has_them_listed(clients: Clients) -> None:
    bare = Clients()
    described = clients("sagemaker").describe_endpoint(EndpointName="churn")
    described.pop("ResponseMetadata", None)
    bare.answer("sagemaker", "describe_endpoint", described)
    bare.answer(
        "sagemaker",
        "describe_endpoint_config",
        {
            "EndpointConfigName": "churn-1",
            "EndpointConfigArn": f"{ARN}endpoint-config/churn-1",
            "CreationTime": 0,
            "ProductionVariants": [{"VariantName": "main"}],
        },
    )
    component = {
        "InferenceComponentName": "six",
        "InferenceComponentStatus": "InService",
        "InferenceComponentArn": f"{ARN}inference-component/six",
        "EndpointArn": f"{ARN}endpoint/churn",
        "EndpointName": "churn",
        "VariantName": "main",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    bare.stubs["sagemaker"].add_response(
        "list_inference_components",
        {"InferenceComponents": [component]},
        {"EndpointNameEquals": ANY},
    )

    facts = EndpointLook(bare)("churn", STACK)

    assert facts.components == {"six": "InService"}
    assert facts.takes_components
