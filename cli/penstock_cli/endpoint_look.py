"""Asks AWS about an endpoint. What the user may not ask, or nobody can answer, is noted as such."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from penstock.adapters.aws import translated
from penstock.domain.errors import PenstockError, PermanentError
from penstock_cli.aws import Connection
from penstock_cli.endpoint_facts import (
    MISSING,
    UNKNOWN,
    AsyncFacts,
    EndpointFacts,
    ModelFacts,
    ScalingFacts,
    StackFacts,
    VariantFacts,
)

T = TypeVar("T")
Json = dict[str, Any]
_NAMES = ("EndpointName", "EndpointNamePattern")
_ALLOWED = "allowed"
_NOBODY = "nobody here can answer that"
_NO_ROLE = "there is no such role"
_WORDS = {
    "NoSuchEntity": _NO_ROLE,
    "NoSuchEntityException": _NO_ROLE,
    "ConnectionError": _NOBODY,
}
_ACTION = re.compile(r"to perform: ([\w-]+:\w+)")
"""AWS's words for who lacks a permission: User: <arn> is not authorized to perform: <action> …"""


def stack_facts(connection: Connection) -> StackFacts:
    """Raises WrongUsageError for a stack of an earlier template."""
    stack = connection.stack
    with translated(f"stack {stack.name}"):
        described = connection.client("cloudformation").describe_stacks(StackName=stack.name)
    given = {
        each["ParameterKey"]: each["ParameterValue"]
        for each in described["Stacks"][0].get("Parameters", [])
    }
    return StackFacts(
        work_bucket=stack.output("WorkBucketName"),
        success_topic=stack.output("InferenceSuccessTopicArn"),
        error_topic=stack.output("InferenceErrorTopicArn"),
        endpoint_names=" ".join(given.get(name, "") for name in _NAMES),
    )


@dataclass(slots=True)
class EndpointLook:
    """Clients by the name of their service; `unchecked` fills up on the way."""

    client: Callable[[str], Any]
    unchecked: list[str] = field(default_factory=list)

    def __call__(self, name: str, stack: StackFacts, variant: str | None = None) -> EndpointFacts:
        """`variant` is the one whose model counts, if the endpoint has it; else the first."""
        sagemaker = self.client("sagemaker")
        found = self._endpoint(sagemaker, name)
        known = EndpointFacts(name, found["EndpointStatus"], found.get("FailureReason", ""))
        config = self._config(sagemaker, found)
        if config is None:
            return replace(known, unchecked=tuple(self.unchecked))
        variants = tuple(map(_variant, config["ProductionVariants"]))
        model = self._model(sagemaker, _model_of(variants, variant))
        asynchronous = config.get("AsyncInferenceConfig")
        return replace(
            known,
            variants=variants,
            model=model,
            asynchronous=_asynchronous(asynchronous) if asynchronous else None,
            components=self._components(sagemaker, name, variants),
            scaling=self._scaling(name, variants) if asynchronous else None,
            denied=self._denied(model, stack) if asynchronous else None,
            unchecked=tuple(self.unchecked),
        )

    def _endpoint(self, sagemaker: Any, name: str) -> Json:
        try:
            with translated(f"endpoint {name}"):
                return dict(sagemaker.describe_endpoint(EndpointName=name))
        except PermanentError as error:
            if error.code == "ValidationException":  # Could not find endpoint
                where = f"in {sagemaker.meta.region_name}"
                return {"EndpointStatus": MISSING, "FailureReason": where}
            if error.code != "AccessDenied":
                raise
            self.unchecked.append(f"the endpoint: {_why(error)}")
            return {"EndpointStatus": UNKNOWN}

    def _config(self, sagemaker: Any, found: Json) -> Json | None:
        name = found.get("EndpointConfigName")
        if name is None:
            return None
        return self._asking(
            "its configuration",
            lambda: sagemaker.describe_endpoint_config(EndpointConfigName=name),
        )

    def _asking(self, what: str, ask: Callable[[], T]) -> T | None:
        try:
            with translated(what):
                return ask()
        except PenstockError as error:
            self.unchecked.append(f"{what}: {_why(error)}")
        except KeyError:
            # A stand-in for AWS that doesn't have this service.
            self.unchecked.append(f"{what}: {_NOBODY}")
        return None

    def _model(self, sagemaker: Any, name: str | None) -> ModelFacts | None:
        if name is None:
            return None
        return self._asking(
            f"model {name}", lambda: _model(sagemaker.describe_model(ModelName=name))
        )

    def _components(
        self, sagemaker: Any, name: str, variants: tuple[VariantFacts, ...]
    ) -> dict[str, str] | None:
        if any(each.model for each in variants):
            return {}
        pages = sagemaker.get_paginator("list_inference_components")
        return self._asking(
            "inference components",
            lambda: {
                each["InferenceComponentName"]: each["InferenceComponentStatus"]
                for page in pages.paginate(EndpointNameEquals=name)
                for each in page["InferenceComponents"]
            },
        )

    def _scaling(self, name: str, variants: tuple[VariantFacts, ...]) -> ScalingFacts | None:
        resource = f"endpoint/{name}/variant/{variants[0].name}"
        least = self._asking("scaling", lambda: self._least_instances(resource))
        if least is None:
            return None
        if least > 0:
            return ScalingFacts(least)
        return ScalingFacts(
            least,
            self._asking("what wakes it up", lambda: frozenset(self._step_metrics(resource))),
        )

    def _least_instances(self, resource: str) -> int | None:
        scaling = self.client("application-autoscaling")
        targets = scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[resource]
        )["ScalableTargets"]
        return int(targets[0]["MinCapacity"]) if targets else None

    def _step_metrics(self, resource: str) -> Iterator[str]:
        scaling = self.client("application-autoscaling")
        policies = scaling.describe_scaling_policies(
            ServiceNamespace="sagemaker", ResourceId=resource
        )["ScalingPolicies"]
        for policy in policies:
            if policy["PolicyType"] == "StepScaling":
                # What wakes a policy up is known to the alarms: it is one of their actions.
                found = self.client("cloudwatch").describe_alarms(ActionPrefix=policy["PolicyARN"])
                yield from (each.get("MetricName", "") for each in found["MetricAlarms"])

    def _denied(
        self, model: ModelFacts | None, stack: StackFacts
    ) -> tuple[tuple[str, str], ...] | None:
        role = model.role if model else None
        if role is None:
            return None
        iam, what = self.client("iam"), f"permissions of {role}"
        denied = self._asking(what, lambda: tuple(_simulated(iam, role, stack)))
        if denied and _is_missing(iam, role):
            self.unchecked.append(f"{what}: {_NO_ROLE}")
            return None
        return denied


def _why(error: PenstockError) -> str:
    """The action that the user lacks, or what else there is to say."""
    if error.code != "AccessDenied":
        return _NOBODY if error.code.isdigit() else _WORDS.get(error.code, error.code)
    named = _ACTION.search(error.message)
    action = named[1] if named else getattr(error.__cause__, "operation_name", "the question")
    return f"{action} denied"


def _is_missing(iam: Any, role: str) -> bool:
    """A simulation for such a role is refused by AWS, but by an emulator it denies everything."""
    try:
        with translated(role):
            iam.get_role(RoleName=role.rsplit("/", 1)[-1])
    except PenstockError as error:
        return _WORDS.get(error.code) == _NO_ROLE
    return False


def _simulated(iam: Any, role: str, stack: StackFacts) -> Iterator[tuple[str, str]]:
    """What of the stack's needs the role may not do."""
    for action, resource in stack.needs:
        decision = iam.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
        )["EvaluationResults"][0]["EvalDecision"]
        if decision != _ALLOWED:
            yield action, resource


def _model_of(variants: tuple[VariantFacts, ...], wanted: str | None) -> str | None:
    named = [each.model for each in variants if each.model and each.name == wanted]
    return next(iter([*named, *(each.model for each in variants if each.model)]), None)


def _variant(document: Json) -> VariantFacts:
    return VariantFacts(
        name=document["VariantName"],
        model=document.get("ModelName"),
        serverless="ServerlessConfig" in document,
        accelerator=document.get("AcceleratorType"),
    )


def _model(document: Json) -> ModelFacts:
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


def _asynchronous(document: Json) -> AsyncFacts:
    output = document["OutputConfig"]
    topics = output.get("NotificationConfig", {})
    return AsyncFacts(
        output_path=output.get("S3OutputPath"),
        failure_path=output.get("S3FailurePath"),
        success_topic=topics.get("SuccessTopic"),
        error_topic=topics.get("ErrorTopic"),
    )
