"""Whether an endpoint suits a pipeline and the stack: what to change where it doesn't."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from penstock.domain.choice import LARGEST_SERVERLESS, Kind, choose, chosen
from penstock.domain.endpoint_names import EndpointNames
from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Target
from penstock.domain.locations import parse_location
from penstock.domain.pipeline import Pipeline
from penstock_cli.endpoint_facts import (
    MISSING,
    UNKNOWN,
    AsyncFacts,
    EndpointFacts,
    ModelFacts,
    StackFacts,
)

Level = Literal["fine", "warning", "problem", "unchecked"]
_KINDS = {"asynchronous": "asynchronous", "serverless": "serverless", "instances": "real-time"}


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


def suits(facts: EndpointFacts, found: Iterable[Finding]) -> bool | None:
    """None if the endpoint could not be looked at."""
    if any(each.level == "problem" for each in found):
        return False
    return True if facts.variants else None


def findings(facts: EndpointFacts, pipeline: Pipeline, stack: StackFacts) -> Iterator[Finding]:
    """In the order in which one would mend them."""
    yield from _status(facts)
    yield from _name(facts, stack)
    if facts.variants:
        yield from _configuration(facts, pipeline, stack)
    for each in facts.unchecked:
        yield Finding("unchecked", each)


def _configuration(
    facts: EndpointFacts, pipeline: Pipeline, stack: StackFacts
) -> Iterator[Finding]:
    yield from _accelerators(facts)
    try:
        pipeline = settled(facts, pipeline)
    except PermanentError as error:
        yield Finding("problem", error.message)
        return
    yield from _mode(facts, pipeline)
    if facts.asynchronous:
        yield from _paths(facts.asynchronous, stack)
        yield from _topics(facts.asynchronous, stack)
        yield from _role(facts)
        yield from _scaling(facts)
    else:
        yield from _serverless(facts, pipeline)
        yield from _parts(facts, pipeline.invoke.target)


def _status(facts: EndpointFacts) -> Iterator[Finding]:
    name, status = facts.name, facts.status
    if status == "InService":
        yield Finding("fine", f"{name} is in service")
    elif status == MISSING:
        remedy = "check the name and --region, or create it: examples/endpoints has templates"
        yield Finding("problem", f"there is no endpoint {name} {facts.reason}", remedy)
    elif status in ("Creating", "Updating", "SystemUpdating", "RollingBack"):
        yield Finding("warning", f"{name} is {status}", "wait until it is in service")
    elif status != UNKNOWN:
        reason = f": {facts.reason}" if facts.reason else ""
        yield Finding("problem", f"{name} is {status}{reason}", "create it anew")


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
        yield Finding("fine", f"{_KINDS[kind]} endpoint, mode: {mode}")


def _paths(found: AsyncFacts, stack: StackFacts) -> Iterator[Finding]:
    wanted = {
        "S3OutputPath": (found.output_path, stack.output_path),
        "S3FailurePath": (found.failure_path, stack.failure_path),
    }
    for name, (has, should) in wanted.items():
        if has and _lies_in(has, should):
            yield Finding("fine", f"{name} is {has}")
        else:
            remedy = f"set {name} to {should} in a new configuration of the endpoint"
            yield Finding("problem", f"{name} is {has or 'not set'}", remedy)


def _lies_in(path: str, folder: str) -> bool:
    """Both may be spelled as `s3://` or `https://`, with a slash at the end or without."""
    try:
        (bucket, key), (wanted, prefix) = parse_location(path), parse_location(folder)
    except PermanentError:
        return False
    return bucket == wanted and f"{key.rstrip('/')}/".startswith(f"{prefix}/")


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
    if scaling is None or scaling.minimum > 0 or scaling.step_metrics is None:
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
    payload = pipeline.invoke.max_payload
    if payload is None or not facts.serverless:
        return
    largest = min(payload, pipeline.chunk.max_bytes)
    if largest <= LARGEST_SERVERLESS:
        yield Finding("fine", "requests are no larger than the 4 MB of a serverless endpoint")
        return
    what = f"it is serverless and takes 4 MB, requests may have {largest:,} bytes"
    remedy = "set `invoke.max_payload: 4MB`, or larger chunks are refused once and then halved"
    yield Finding("warning", what, remedy)


def _parts(facts: EndpointFacts, target: Target) -> Iterator[Finding]:
    yield from _component(facts, target.component)
    yield from _variant(facts, target.variant)
    if facts.model:
        yield from _target_model(facts.model, target.model)
        yield from _container(facts.model, target.container)


def _component(facts: EndpointFacts, name: str | None) -> Iterator[Finding]:
    key = "`invoke.inference_component`"
    if not facts.takes_components:
        if name:
            yield Finding("problem", "it has no inference components", f"remove {key}")
        return
    known = ", ".join(sorted(facts.components or {})) or "none yet"
    if name is None:
        known = "its name" if facts.components is None else known
        remedy = f"add {key}: {known}"
        yield Finding("problem", "it takes requests for inference components only", remedy)
    elif facts.components is not None:
        yield _component_named(name, facts.components.get(name), f"mend {key}: {known}")


def _component_named(name: str, status: str | None, remedy: str) -> Finding:
    if status is None:
        return Finding("problem", f"it has no component {name}", remedy)
    if status == "InService":
        return Finding("fine", f"component {name} is in service")
    level: Level = "problem" if status in ("Failed", "Deleting") else "warning"
    wait = "create it anew" if level == "problem" else "wait until it is in service"
    return Finding(level, f"component {name} is {status}", wait)


def _variant(facts: EndpointFacts, name: str | None) -> Iterator[Finding]:
    known = [each.name for each in facts.variants]
    if name in known:
        yield Finding("fine", f"it has variant {name}")
    elif name:
        remedy = f"mend `invoke.target_variant`: {', '.join(known)}"
        yield Finding("problem", f"it has no variant {name}", remedy)


def _target_model(model: ModelFacts, name: str | None) -> Iterator[Finding]:
    if model.multi_model and name:
        yield Finding("fine", f"multi-model endpoint, target_model: {name}")
    elif model.multi_model:
        remedy = "add `invoke.target_model`, the key of a model below its prefix of models"
        yield Finding("problem", "it is a multi-model endpoint", remedy)
    elif name:
        yield Finding("problem", "it has one model only", "remove `invoke.target_model`")


def _container(model: ModelFacts, name: str | None) -> Iterator[Finding]:
    known = ", ".join(model.containers)
    if model.direct and name is None:
        remedy = f"add `invoke.target_container`: {known}"
        yield Finding("problem", "its containers are invoked by their names", remedy)
    elif model.direct and name in model.containers:
        yield Finding("fine", f"it has container {name}")
    elif model.direct:
        remedy = f"mend `invoke.target_container`: {known}"
        yield Finding("problem", f"it has no container {name}", remedy)
    elif name:
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
