"""Whether an endpoint suits a pipeline and the stack: what to change where it doesn't."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from penstock.domain.choice import LARGEST_SERVERLESS, Kind, choose, chosen
from penstock.domain.endpoint_names import EndpointNames
from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Target
from penstock.domain.pipeline import Pipeline
from penstock_cli.endpoint_facts import AsyncFacts, EndpointFacts, StackFacts

Level = Literal["fine", "warning", "problem", "unchecked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is empty where there is nothing to do."""

    level: Level
    what: str
    remedy: str = ""


def kind_of(facts: EndpointFacts) -> Kind:
    if facts.asynchronous:
        return "asynchronous"
    return "serverless" if facts.serverless else "instances"


def settled(facts: EndpointFacts, pipeline: Pipeline) -> Pipeline:
    """The pipeline with its mode chosen, as it is for a small file.

    Raises:
        PermanentError: `UnsuitableEndpoint`.
    """
    if pipeline.invoke.mode != "auto":
        return pipeline
    without = replace(pipeline, invoke=replace(pipeline.invoke, transform=None))
    return chosen(without, choose(without.invoke, 0, kind_of(facts)), kind_of(facts))


def findings(facts: EndpointFacts, pipeline: Pipeline, stack: StackFacts) -> Iterator[Finding]:
    """In the order in which one would mend them."""
    yield from _status(facts)
    yield from _name(facts, stack)
    try:
        settled_pipeline = settled(facts, pipeline)
    except PermanentError as error:
        yield Finding("problem", error.message)
        return
    yield from _mode(facts, settled_pipeline)
    if facts.asynchronous:
        yield from _paths(facts.asynchronous, stack)
        yield from _topics(facts.asynchronous, stack)
        yield from _role(facts)
        yield from _scaling(facts)
    else:
        yield from _serverless(facts, settled_pipeline)
        yield from _parts(facts, settled_pipeline.invoke.target)
    yield from _accelerators(facts)
    for each in facts.unchecked:
        yield Finding("unchecked", each)


def _status(facts: EndpointFacts) -> Iterator[Finding]:
    if facts.status == "InService":
        yield Finding("fine", f"{facts.name} is in service")
    elif facts.status in ("Creating", "Updating", "SystemUpdating", "RollingBack"):
        yield Finding("warning", f"{facts.name} is {facts.status}", "wait until it is in service")
    else:
        reason = f": {facts.reason}" if facts.reason else ""
        yield Finding("problem", f"{facts.name} is {facts.status}{reason}", "create it anew")


def _name(facts: EndpointFacts, stack: StackFacts) -> Iterator[Finding]:
    names = EndpointNames.parse(stack.endpoint_names)
    if names.allow(facts.name):
        yield Finding("fine", "the stack may call it")
    else:
        remedy = "deploy the stack with an EndpointNamePattern that matches it"
        yield Finding("problem", f"the stack may not call it, only {names}", remedy)


def _mode(facts: EndpointFacts, pipeline: Pipeline) -> Iterator[Finding]:
    mode, kind = pipeline.invoke.mode, kind_of(facts)
    if mode == "transform":
        yield Finding("problem", "the pipeline is for Batch Transform", "set `invoke.mode`")
    elif kind == "asynchronous" and mode != "async":
        yield Finding("problem", "it is asynchronous", "set `invoke.mode: async`")
    elif kind != "asynchronous" and mode == "async":
        yield Finding(
            "problem",
            "it has no AsyncInferenceConfig",
            "set `invoke.mode: realtime`, or give its configuration one",
        )
    else:
        yield Finding("fine", f"{kind} endpoint, mode: {mode}")


def _paths(found: AsyncFacts, stack: StackFacts) -> Iterator[Finding]:
    wanted = {
        "S3OutputPath": (found.output_path, stack.output_path),
        "S3FailurePath": (found.failure_path, stack.failure_path),
    }
    for name, (has, should) in wanted.items():
        if has and has.rstrip("/").startswith(should):
            yield Finding("fine", f"{name} is {has}")
        else:
            remedy = f"set {name} to {should} in a new configuration of the endpoint"
            yield Finding("problem", f"{name} is {has or 'not set'}", remedy)


def _topics(found: AsyncFacts, stack: StackFacts) -> Iterator[Finding]:
    wanted = {
        "SuccessTopic": (found.success_topic, stack.success_topic),
        "ErrorTopic": (found.error_topic, stack.error_topic),
    }
    for name, (has, should) in wanted.items():
        if has == should:
            yield Finding("fine", f"{name} is the stack's")
        else:
            remedy = f"set {name} to {should}, or jobs hear of results only from the sweep"
            yield Finding("problem", f"{name} is {has or 'not set'}", remedy)


def _role(facts: EndpointFacts) -> Iterator[Finding]:
    if facts.denied is None:
        return
    if not facts.denied:
        yield Finding("fine", "its execution role may read requests, write answers and notify")
    for action, resource in facts.denied:
        remedy = "allow it in the policy of the model's execution role"
        yield Finding("problem", f"its role may not {action} {resource}", remedy)


def _scaling(facts: EndpointFacts) -> Iterator[Finding]:
    scaling = facts.scaling
    if scaling is None or scaling.minimum > 0:
        return
    if "HasBacklogWithoutCapacity" in scaling.step_metrics:
        yield Finding("fine", "scales to zero, and wakes up for a single request")
        return
    remedy = (
        "add a step policy with an alarm on HasBacklogWithoutCapacity, as in "
        "examples/endpoints/asynchronous.yaml"
    )
    yield Finding("warning", "scales to zero, and small files don't wake it up", remedy)


def _serverless(facts: EndpointFacts, pipeline: Pipeline) -> Iterator[Finding]:
    payload = pipeline.invoke.max_payload or 0
    if facts.serverless and payload > LARGEST_SERVERLESS:
        what = f"it is serverless and takes 4 MB, `invoke.max_payload` is {payload} bytes"
        remedy = "set `invoke.max_payload: 4MB`, or larger chunks are refused once and then halved"
        yield Finding("warning", what, remedy)


def _parts(facts: EndpointFacts, target: Target) -> Iterator[Finding]:
    yield from _component(facts, target.component)
    yield from _variant(facts, target.variant)
    if facts.model:
        yield from _target_model(facts.model.multi_model, target.model)
        yield from _container(facts, target.container)


def _component(facts: EndpointFacts, name: str | None) -> Iterator[Finding]:
    key = "`invoke.inference_component`"
    if not facts.takes_components:
        if name:
            yield Finding("problem", "it has no inference components", f"remove {key}")
        return
    known = ", ".join(sorted(facts.components)) or "none yet"
    if name is None:
        remedy = f"add {key}: {known}"
        yield Finding("problem", "it takes requests for inference components only", remedy)
    elif name not in facts.components:
        yield Finding("problem", f"it has no component {name}", f"mend {key}: {known}")
    elif facts.components[name] != "InService":
        what = f"component {name} is {facts.components[name]}"
        yield Finding("warning", what, "wait until it is in service")
    else:
        yield Finding("fine", f"component {name} is in service")


def _variant(facts: EndpointFacts, name: str | None) -> Iterator[Finding]:
    known = [each.name for each in facts.variants]
    if name and name not in known:
        remedy = f"mend `invoke.target_variant`: {', '.join(known)}"
        yield Finding("problem", f"it has no variant {name}", remedy)


def _target_model(multi_model: bool, name: str | None) -> Iterator[Finding]:  # noqa: FBT001
    if multi_model and name is None:
        remedy = "add `invoke.target_model`, the key of a model below its prefix of models"
        yield Finding("problem", "it is a multi-model endpoint", remedy)
    if name and not multi_model:
        yield Finding("problem", "it has one model only", "remove `invoke.target_model`")


def _container(facts: EndpointFacts, name: str | None) -> Iterator[Finding]:
    model = facts.model
    if model is None:
        return
    known = ", ".join(model.containers)
    if model.direct and name is None:
        remedy = f"add `invoke.target_container`: {known}"
        yield Finding("problem", "its containers are invoked by their names", remedy)
    elif model.direct and name not in model.containers:
        remedy = f"mend `invoke.target_container`: {known}"
        yield Finding("problem", f"it has no container {name}", remedy)
    elif name and not model.direct:
        what = "its containers cannot be invoked by their names"
        yield Finding("problem", what, "remove `invoke.target_container`")


def _accelerators(facts: EndpointFacts) -> Iterator[Finding]:
    for each in facts.variants:
        if each.accelerator:
            yield Finding(
                "warning",
                f"variant {each.name} has a retired accelerator of Elastic Inference",
                "it works as ever; a new one needs Inferentia instances (ml.inf2) or inference "
                "components",
            )
