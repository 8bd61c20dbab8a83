"""What `penstock connect` makes of AWS's answers, in the shapes that botocore knows."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from penstock_cli.endpoint_facts import MISSING, UNKNOWN, AsyncFacts, ScalingFacts, StackFacts
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

    def refuse(self, service: str, call: str, code: str = "AccessDeniedException") -> None:
        operation = "".join(word.title() for word in call.split("_"))
        message = f"User: me is not authorized to perform: {service}:{operation} on resource: it"
        self(service)
        self.stubs[service].add_client_error(call, code, message, http_status_code=400)


def with_endpoint(clients: Clients, **config: Any) -> None:
    times = {"CreationTime": 0, "LastModifiedTime": 0}
    endpoint = {
        "EndpointName": "churn",
        "EndpointArn": f"{ARN}endpoint/churn",
        "EndpointConfigName": "churn-1",
        "EndpointStatus": "InService",
        **times,
    }
    clients.answer("sagemaker", "describe_endpoint", endpoint)
    known = {
        "EndpointConfigName": "churn-1",
        "EndpointConfigArn": f"{ARN}endpoint-config/churn-1",
        "CreationTime": 0,
        "ProductionVariants": [{"VariantName": "main", "ModelName": "churn"}],
    }
    clients.answer("sagemaker", "describe_endpoint_config", known | config)


@pytest.fixture
def clients() -> Clients:
    """Of an asynchronous endpoint without a place for failures and a topic for them."""
    clients = Clients()
    output = {"S3OutputPath": STACK.output_path, "NotificationConfig": {"SuccessTopic": TOPIC}}
    with_endpoint(clients, AsyncInferenceConfig={"OutputConfig": output})
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


def with_scaling(clients: Clients, *, alarms: bool = True) -> None:
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
    }
    clients.answer(service, "describe_scaling_policies", {"ScalingPolicies": [policy]})
    alarm = {"AlarmName": "asleep", "MetricName": "HasBacklogWithoutCapacity"}
    if alarms:
        clients.answer("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm]})


def with_permissions(clients: Clients, *decisions: str) -> None:
    for decision in decisions:
        result = {"EvalActionName": "sns:Publish", "EvalDecision": decision}
        clients.answer("iam", "simulate_principal_policy", {"EvaluationResults": [result]})


def with_role(clients: Clients) -> None:
    role = {
        "Path": "/",
        "RoleName": "endpoint",
        "RoleId": "AROA0123456789ABCDEF",
        "Arn": ROLE,
        "CreateDate": 0,
    }
    clients.answer("iam", "get_role", {"Role": role})


def test_all_that_can_be_asked_is_found(clients: Clients) -> None:
    with_model(clients)
    with_scaling(clients)
    with_permissions(clients, "allowed", "allowed", "implicitDeny", "allowed", "allowed")
    with_role(clients)

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.asynchronous == AsyncFacts(STACK.output_path, None, TOPIC, None)
    assert facts.model is not None
    assert (facts.model.direct, facts.model.containers) == (True, ("first", "second"))
    assert facts.scaling == ScalingFacts(0, frozenset({"HasBacklogWithoutCapacity"}))
    assert facts.denied == (("s3:PutObject", "arn:aws:s3:::work/async/failure/x"),)
    assert facts.unchecked == ()


def test_what_may_not_be_asked_is_named_and_the_rest_is_found(clients: Clients) -> None:
    with_model(clients)
    clients.refuse("application-autoscaling", "describe_scalable_targets")
    clients.refuse("iam", "simulate_principal_policy")

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.status == "InService"
    assert (facts.scaling, facts.denied) == (None, None)
    assert facts.unchecked == (
        "scaling: application-autoscaling:DescribeScalableTargets denied",
        f"permissions of {ROLE}: iam:SimulatePrincipalPolicy denied",
    )


def test_a_model_that_may_not_be_described_leaves_its_role_out(clients: Clients) -> None:
    clients.refuse("sagemaker", "describe_model")
    with_scaling(clients)

    facts = EndpointLook(clients)("churn", STACK)

    assert (facts.model, facts.denied) == (None, None)
    assert facts.unchecked == ("model churn: sagemaker:DescribeModel denied",)


def test_alarms_that_may_not_be_described_leave_open_what_wakes_an_endpoint_up(
    clients: Clients,
) -> None:
    with_model(clients)
    with_scaling(clients, alarms=False)
    clients.refuse("cloudwatch", "describe_alarms")
    with_permissions(clients, *["allowed"] * 5)

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.scaling == ScalingFacts(0, None)
    assert facts.unchecked == ("what wakes it up: cloudwatch:DescribeAlarms denied",)


@pytest.mark.parametrize("code", ["NoSuchEntity", "NoSuchEntityException"])
def test_a_role_that_there_is_not_gets_no_verdict(clients: Clients, code: str) -> None:
    """AWS refuses to simulate for it. An emulator denies everything, and has no such role."""
    with_model(clients)
    with_scaling(clients)
    with_permissions(clients, *["implicitDeny"] * 5)
    clients.refuse("iam", "get_role", code)

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.denied is None
    assert facts.unchecked == (f"permissions of {ROLE}: there is no such role",)


def test_a_role_that_may_not_be_looked_at_is_believed_to_be_there(clients: Clients) -> None:
    with_model(clients)
    with_scaling(clients)
    with_permissions(clients, "implicitDeny", *["allowed"] * 4)
    clients.refuse("iam", "get_role")

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.denied == (("s3:GetObject", "arn:aws:s3:::work/async/input/x"),)


def test_a_service_that_is_not_there_is_noted(clients: Clients) -> None:
    with_model(clients)
    clients.refuse("application-autoscaling", "describe_scalable_targets", code="400")
    with_permissions(clients, *["allowed"] * 5)

    facts = EndpointLook(clients)("churn", STACK)

    assert facts.unchecked == ("scaling: nobody here can answer that",)


def test_an_endpoint_that_there_is_not_is_missing() -> None:
    bare = Clients()
    bare.refuse("sagemaker", "describe_endpoint", code="ValidationException")

    facts = EndpointLook(bare)("churn", STACK)

    assert (facts.status, facts.reason, facts.variants) == (MISSING, "in eu-west-1", ())


def test_an_endpoint_that_may_not_be_looked_at_is_unknown() -> None:
    bare = Clients()
    bare.refuse("sagemaker", "describe_endpoint")

    facts = EndpointLook(bare)("churn", STACK)

    assert (facts.status, facts.variants) == (UNKNOWN, ())
    assert facts.unchecked == ("the endpoint: sagemaker:DescribeEndpoint denied",)


def test_the_model_of_the_variant_that_is_asked_for_counts() -> None:
    bare = Clients()
    variants = [
        {"VariantName": "one", "ModelName": "first"},
        {"VariantName": "two", "ModelName": "second"},
    ]
    with_endpoint(bare, ProductionVariants=variants)
    model = {"ModelName": "second", "ModelArn": f"{ARN}model/second", "CreationTime": 0}
    bare("sagemaker")
    bare.stubs["sagemaker"].add_response("describe_model", model, {"ModelName": "second"})

    facts = EndpointLook(bare)("churn", STACK, "two")

    assert facts.model is not None
    assert facts.model.name == "second"


def test_an_endpoint_of_components_has_them_listed() -> None:
    bare = Clients()
    with_endpoint(bare, ProductionVariants=[{"VariantName": "main"}])
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
        {"EndpointNameEquals": "churn"},
    )

    facts = EndpointLook(bare)("churn", STACK)

    assert facts.components == {"six": "InService"}
    assert facts.takes_components


def test_components_that_may_not_be_listed_are_unknown() -> None:
    bare = Clients()
    with_endpoint(bare, ProductionVariants=[{"VariantName": "main"}])
    bare.refuse("sagemaker", "list_inference_components")

    facts = EndpointLook(bare)("churn", STACK)

    assert facts.components is None
    assert facts.unchecked == ("inference components: sagemaker:ListInferenceComponents denied",)
