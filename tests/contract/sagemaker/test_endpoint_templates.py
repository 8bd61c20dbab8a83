"""Each template of examples/endpoints makes an endpoint that answers, as far as SageMaker decides.

CloudFormation's part is played here: properties go to the API calls of the same names.
"""

import io
import json
import tarfile
from typing import Any

import pytest

from penstock.pipeline_file import load_pipeline
from penstock_cli.endpoint_facts import StackFacts
from penstock_cli.endpoint_look import EndpointLook
from penstock_cli.suitability import findings
from tests.contract.sagemaker.lab import (
    BUCKET,
    ON_AWS,
    REGION,
    ROLE,
    Lab,
    client,
    eventually,
    image,
    unique,
)
from tests.template.endpoint_templates import EndpointTemplate, kinds

pytestmark = pytest.mark.skipif(ON_AWS, reason="the images are local ones")

TOPIC = f"arn:aws:sns:{REGION}:000000000000:"
IMAGES = {"multi-model": "multi_model", "multi-container": "stage", "inference-pipeline": "stage"}
CALLS = {
    "AWS::SageMaker::Model": "create_model",
    "AWS::SageMaker::EndpointConfig": "create_endpoint_config",
    "AWS::SageMaker::Endpoint": "create_endpoint",
    "AWS::SageMaker::InferenceComponent": "create_inference_component",
}
WHERE = ("ServiceNamespace", "ScalableDimension", "ResourceId")
OF_UPDATES = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
"""CloudFormation gives them to UpdateEndpoint."""

OF_MANY_INSTANCES = ("ManagedInstanceScaling", "RoutingConfig")
"""Refused by the local SageMaker, where nothing scales."""

NAMES = {"create_model": "ModelName", "create_endpoint_config": "EndpointConfigName"}


class Deployment:
    """A template on the local SageMaker. What `Ref` and `GetAtt` give are names and a role."""

    def __init__(self, lab: Lab, kind: str) -> None:
        self.lab, self.name = lab, unique("deployed")
        self.template = EndpointTemplate.load(kind)
        prefix = unique("models")
        self.parameters = self.template.given(
            EndpointName=self.name,
            ComponentName=f"{self.name}-component",
            ModelName=f"{self.name}-model",
            ImageUri=image(IMAGES.get(kind, "behaviours")),
            ImageRepositoryArn="arn:aws:ecr:eu-west-1:000000000000:repository/x",
            ModelDataBucket=BUCKET,
            ModelDataPrefix=f"{prefix}/",
            ModelDataKey=f"{prefix}/a.tar.gz",
            ChallengerDataKey=f"{prefix}/a.tar.gz",
            WorkBucketName=BUCKET,
            InferenceSuccessTopicArn=f"{TOPIC}success",
            InferenceErrorTopicArn=f"{TOPIC}error",
        )
        lab.around.put(f"{prefix}/a.tar.gz", archive())
        for resource, properties in self.template.sagemaker_resources():
            self._create(resource, CALLS[properties["Type"]], properties["Properties"])

    def _create(self, resource: str, call: str, properties: Any) -> None:
        given = _typed(self.template.resolved(properties, self.parameters | {"ROLE": ROLE}))
        name = NAMES.get(call)
        if name:
            given.setdefault(name, f"{self.name}-{resource}")
        for ignored in OF_UPDATES:
            given.pop(ignored, None)
        for variant in given.get("ProductionVariants", []):
            for ignored in OF_MANY_INSTANCES:
                variant.pop(ignored, None)
        self._replace_names(given)
        getattr(self.lab.server.control, call)(**given)
        if call == "create_endpoint":
            self.lab.server.until_status(self.name, "InService")
        if call == "create_inference_component":
            eventually(self._component_is_in_service)

    def _component_is_in_service(self) -> bool:
        found = self.lab.server.control.describe_inference_component(
            InferenceComponentName=f"{self.name}-component"
        )
        return bool(found["InferenceComponentStatus"] == "InService")

    def _replace_names(self, value: Any) -> None:
        """`!GetAtt Model.ModelName` has become the resource's own name."""
        if isinstance(value, dict):
            for key, each in value.items():
                if isinstance(each, str) and each.startswith("@"):
                    value[key] = f"{self.name}-{each[1:]}"
                self._replace_names(value[key])
        elif isinstance(value, list):
            for each in value:
                self._replace_names(each)

    def scale(self) -> None:
        """Registers the target with its policies, and the alarm that a policy is the action of."""
        scaling = self.client("application-autoscaling")
        (target,) = self._properties("AWS::ApplicationAutoScaling::ScalableTarget").values()
        scaling.register_scalable_target(**target)
        where = {key: target[key] for key in WHERE}
        policies = {}
        for name, given in self._properties("AWS::ApplicationAutoScaling::ScalingPolicy").items():
            del given["ScalingTargetId"]
            policies[f"@{name}"] = scaling.put_scaling_policy(**given, **where)["PolicyARN"]
        (alarm,) = self._properties("AWS::CloudWatch::Alarm").values()
        alarm["AlarmActions"] = [policies[each] for each in alarm["AlarmActions"]]
        self.client("cloudwatch").put_metric_alarm(AlarmName=self.name, **alarm)

    def _properties(self, resource_type: str) -> dict[str, Any]:
        return {
            name: _typed(self.template.resolved(properties, self.parameters))
            for name, properties in self.template.of_type(resource_type).items()
        }

    def client(self, service: str) -> Any:
        if service == "sagemaker":
            return self.lab.server.control
        return client(service, self.lab.around.url)

    @property
    def target(self) -> dict[str, str]:
        kind = self.template.kind
        return {
            "multi-model": {"TargetModel": "a.tar.gz"},
            "multi-container": {"TargetContainerHostname": "second"},
            "variants": {"TargetVariant": "challenger"},
            "inference-component": {"InferenceComponentName": f"{self.name}-component"},
        }.get(kind, {})


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("word")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"a"))
    return packed.getvalue()


def _typed(value: Any) -> Any:
    """Numbers that parameters have made texts of."""
    if isinstance(value, dict):
        return {key: _typed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_typed(each) for each in value]
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return json.loads(value)
    return value


@pytest.mark.parametrize("kind", sorted(set(kinds()) - {"batch-transform", "asynchronous"}))
def test_the_endpoint_of_a_template_answers_in_real_time(lab: Lab, kind: str) -> None:
    deployed = Deployment(lab, kind)

    answer = lab.server.runtime.invoke_endpoint(
        EndpointName=deployed.name, Body=b"[]", **deployed.target
    )

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_endpoint_of_the_asynchronous_template_takes_asynchronous_requests(lab: Lab) -> None:
    deployed = Deployment(lab, "asynchronous")

    answer = lab.server.runtime.invoke_endpoint_async(EndpointName=deployed.name, Body=b"[]")

    assert answer["OutputLocation"].startswith(f"s3://{BUCKET}/async/output/")
    assert answer["FailureLocation"].startswith(f"s3://{BUCKET}/async/failure/")


def test_the_scaling_of_the_asynchronous_template_is_found_to_wake_it_up(lab: Lab) -> None:
    deployed = Deployment(lab, "asynchronous")
    deployed.scale()
    stack = StackFacts(BUCKET, f"{TOPIC}success", f"{TOPIC}error", deployed.name)

    facts = EndpointLook(deployed.client)(deployed.name, stack)
    pipeline = load_pipeline(f"invoke: {{endpoint: {deployed.name}}}", "a file")
    found = {each.what: each.level for each in findings(facts, pipeline, stack)}

    assert found.pop(f"permissions of {ROLE}: nobody here can answer that") == "unchecked"
    assert found["scales to zero, and wakes up for a single request"] == "fine"
    assert set(found.values()) == {"fine"}


def test_the_model_of_the_transform_template_is_one_that_a_job_can_name(lab: Lab) -> None:
    deployed = Deployment(lab, "batch-transform")

    found = lab.server.control.describe_model(ModelName=f"{deployed.name}-model")

    assert found["PrimaryContainer"]["ModelDataUrl"].endswith("/a.tar.gz")
