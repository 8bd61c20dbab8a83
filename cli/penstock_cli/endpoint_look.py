"""Asks AWS about an endpoint. What the user may not ask, or nobody can answer, is noted as such."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from penstock.adapters.aws import translated
from penstock.domain.errors import PenstockError, PermanentError
from penstock_cli.endpoint_facts import (
    AsyncFacts,
    EndpointFacts,
    ModelFacts,
    ScalingFacts,
    StackFacts,
    VariantFacts,
)

T = TypeVar("T")
_ALLOWED = "allowed"


@dataclass(slots=True)
class EndpointLook:
    """Clients by the name of their service; `unchecked` fills up on the way."""

    client: Callable[[str], Any]
    unchecked: list[str] = field(default_factory=list)

    def __call__(self, name: str, stack: StackFacts) -> EndpointFacts:
        """Raises PermanentError `NoSuchEndpoint`, or AWS's own code if nothing may be asked."""
        sagemaker = self.client("sagemaker")
        found = self._endpoint(sagemaker, name)
        with translated(f"the configuration of endpoint {name}"):
            config = sagemaker.describe_endpoint_config(
                EndpointConfigName=found["EndpointConfigName"]
            )
        variants = tuple(map(_variant, config["ProductionVariants"]))
        model = self._model(sagemaker, variants)
        asynchronous = config.get("AsyncInferenceConfig")
        return EndpointFacts(
            name=name,
            status=found["EndpointStatus"],
            reason=found.get("FailureReason", ""),
            variants=variants,
            model=model,
            asynchronous=_asynchronous(asynchronous) if asynchronous else None,
            components=self._components(sagemaker, name, variants),
            scaling=self._scaling(name, variants) if asynchronous else None,
            denied=self._denied(model, stack) if asynchronous else None,
            unchecked=tuple(self.unchecked),
        )

    def _endpoint(self, sagemaker: Any, name: str) -> dict[str, Any]:
        try:
            with translated(f"endpoint {name}"):
                return dict(sagemaker.describe_endpoint(EndpointName=name))
        except PermanentError as error:
            if error.code != "ValidationException":
                raise
            region = sagemaker.meta.region_name
            message = f"there is no endpoint {name} in {region}; check the name and --region"
            raise PermanentError("NoSuchEndpoint", message) from error

    def _asking(self, what: str, ask: Callable[[], T]) -> T | None:
        try:
            with translated(what):
                return ask()
        except PenstockError as error:
            self.unchecked.append(f"{what}: {error.code}")
        except KeyError as error:
            # A stand-in for the service that answers something else.
            self.unchecked.append(f"{what}: an answer without {error}")
        return None

    def _model(self, sagemaker: Any, variants: tuple[VariantFacts, ...]) -> ModelFacts | None:
        name = next((each.model for each in variants if each.model), None)
        if name is None:
            return None
        return self._asking(
            f"the model {name}", lambda: _model(sagemaker.describe_model(ModelName=name))
        )

    def _components(
        self, sagemaker: Any, name: str, variants: tuple[VariantFacts, ...]
    ) -> dict[str, str]:
        if any(each.model for each in variants):
            return {}

        def ask() -> dict[str, str]:
            pages = sagemaker.get_paginator("list_inference_components").paginate(
                EndpointNameEquals=name
            )
            return {
                each["InferenceComponentName"]: each["InferenceComponentStatus"]
                for page in pages
                for each in page["InferenceComponents"]
            }

        return self._asking("inference components", ask) or {}

    def _scaling(self, name: str, variants: tuple[VariantFacts, ...]) -> ScalingFacts | None:
        resource = f"endpoint/{name}/variant/{variants[0].name}"
        return self._asking("scaling", lambda: self._ask_for_scaling(resource))

    def _ask_for_scaling(self, resource: str) -> ScalingFacts | None:
        scaling = self.client("application-autoscaling")
        where = {"ServiceNamespace": "sagemaker"}
        targets = scaling.describe_scalable_targets(ResourceIds=[resource], **where)
        if not targets["ScalableTargets"]:
            return None
        policies = scaling.describe_scaling_policies(ResourceId=resource, **where)
        alarms = list(_alarms_of_steps(policies["ScalingPolicies"]))
        metrics: frozenset[str] = frozenset()
        if alarms:
            found = self.client("cloudwatch").describe_alarms(AlarmNames=alarms)
            metrics = frozenset(each.get("MetricName", "") for each in found["MetricAlarms"])
        return ScalingFacts(targets["ScalableTargets"][0]["MinCapacity"], metrics)

    def _denied(
        self, model: ModelFacts | None, stack: StackFacts
    ) -> tuple[tuple[str, str], ...] | None:
        role = model.role if model else None
        if role is None:
            return None
        return self._asking("the execution role's permissions", lambda: self._simulate(role, stack))

    def _simulate(self, role: str, stack: StackFacts) -> tuple[tuple[str, str], ...]:
        iam = self.client("iam")
        # A simulation for a role that there is not denies everything, where AWS is emulated.
        iam.get_role(RoleName=role.rsplit("/", 1)[-1])
        return tuple(
            (action, resource)
            for action, resource in stack.needs
            if iam.simulate_principal_policy(
                PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
            )["EvaluationResults"][0]["EvalDecision"]
            != _ALLOWED
        )


def _variant(document: dict[str, Any]) -> VariantFacts:
    return VariantFacts(
        name=document["VariantName"],
        model=document.get("ModelName"),
        serverless="ServerlessConfig" in document,
        accelerator=document.get("AcceleratorType"),
    )


def _model(document: dict[str, Any]) -> ModelFacts:
    primary = document.get("PrimaryContainer")
    containers = [primary] if primary else document.get("Containers", [])
    mode = document.get("InferenceExecutionConfig", {}).get("Mode")
    names = [each["ContainerHostname"] for each in containers if "ContainerHostname" in each]
    return ModelFacts(
        name=document["ModelName"],
        role=document.get("ExecutionRoleArn"),
        multi_model=any(each.get("Mode") == "MultiModel" for each in containers),
        direct=mode == "Direct",
        containers=tuple(names),
    )


def _asynchronous(document: dict[str, Any]) -> AsyncFacts:
    output = document["OutputConfig"]
    topics = output.get("NotificationConfig", {})
    return AsyncFacts(
        output_path=output.get("S3OutputPath"),
        failure_path=output.get("S3FailurePath"),
        success_topic=topics.get("SuccessTopic"),
        error_topic=topics.get("ErrorTopic"),
    )


def _alarms_of_steps(policies: list[dict[str, Any]]) -> Iterator[str]:
    for policy in policies:
        if policy["PolicyType"] == "StepScaling":
            yield from (each["AlarmName"] for each in policy.get("Alarms", []))
