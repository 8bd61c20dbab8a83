"""What `penstock connect` finds, as a table: one fact is changed, one finding follows."""

from dataclasses import replace
from typing import Any

import pytest

from penstock.pipeline_file import load_pipeline
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
from penstock_cli.suitability import Finding, findings, suits

SUCCESS, ERROR = "arn:aws:sns:eu-west-1:1:success", "arn:aws:sns:eu-west-1:1:error"
STACK = StackFacts("work", SUCCESS, ERROR, "churn prod-*")
CONFIG = AsyncFacts(STACK.output_path, STACK.failure_path, SUCCESS, ERROR)
MAIN = VariantFacts("main", "model")
ASYNC = EndpointFacts(
    "churn",
    "InService",
    variants=(MAIN,),
    model=ModelFacts("model"),
    asynchronous=CONFIG,
    denied=(),
)
PATH, HTTPS = STACK.output_path, "https://work.s3.eu-west-1.amazonaws.com/async/output"
REALTIME = replace(ASYNC, asynchronous=None, denied=None)
SERVERLESS = replace(REALTIME, variants=(replace(MAIN, serverless=True),))
MANY = replace(REALTIME, model=ModelFacts("model", multi_model=True))
DIRECT = replace(REALTIME, model=ModelFacts("model", direct=True, containers=("first", "second")))
SHARED = replace(
    REALTIME, variants=(VariantFacts("main"),), model=None, components={"six": "InService"}
)


def found(facts: EndpointFacts, invoke: str) -> list[Finding]:
    pipeline = load_pipeline(f"invoke: {{endpoint: churn, {invoke}}}", "a file")
    return list(findings(facts, pipeline, STACK))


@pytest.mark.parametrize(
    ("facts", "invoke"),
    [
        (ASYNC, "mode: async"),
        (ASYNC, "mode: auto"),
        (REALTIME, "mode: realtime"),
        (REALTIME, "mode: auto"),
        (REALTIME, "mode: realtime, target_variant: main"),
        (SERVERLESS, "mode: realtime, max_payload: 4MB"),
        (SERVERLESS, "mode: auto"),
        (replace(SHARED, components=None), "mode: realtime, inference_component: six"),
        (MANY, "mode: realtime, target_model: a.tar.gz"),
        (DIRECT, "mode: realtime, target_container: second"),
        (SHARED, "mode: realtime, inference_component: six"),
        (replace(ASYNC, scaling=ScalingFacts(1)), "mode: async"),
        (replace(ASYNC, scaling=ScalingFacts(0, None)), "mode: async"),
        (
            replace(ASYNC, scaling=ScalingFacts(0, frozenset({"HasBacklogWithoutCapacity"}))),
            "mode: async",
        ),
        (replace(ASYNC, asynchronous=replace(CONFIG, output_path=f"{PATH}/churn/")), "mode: async"),
        (replace(ASYNC, asynchronous=replace(CONFIG, output_path=HTTPS)), "mode: async"),
    ],
)
def test_what_suits_has_nothing_to_change(facts: EndpointFacts, invoke: str) -> None:
    assert {each.level for each in found(facts, invoke)} == {"fine"}


CASES: dict[str, tuple[EndpointFacts, str, str, str, str]] = {
    "an endpoint that failed": (
        replace(ASYNC, status="Failed", reason="no capacity"),
        "mode: async",
        "problem",
        "churn is Failed: no capacity",
        "create it anew",
    ),
    "an endpoint that is being made": (
        replace(ASYNC, status="Creating"),
        "mode: async",
        "warning",
        "churn is Creating",
        "wait until it is in service",
    ),
    "an asynchronous endpoint in real time": (
        ASYNC,
        "mode: realtime",
        "problem",
        "it is asynchronous",
        "set `invoke.mode: async`",
    ),
    "a real-time endpoint asynchronously": (
        REALTIME,
        "mode: async",
        "problem",
        "it has no AsyncInferenceConfig",
        "set `invoke.mode: realtime`",
    ),
    "answers elsewhere": (
        replace(ASYNC, asynchronous=replace(CONFIG, output_path="s3://mine/out")),
        "mode: async",
        "problem",
        "S3OutputPath is s3://mine/out",
        "set S3OutputPath to s3://work/async/output",
    ),
    "answers in a folder beside": (
        replace(ASYNC, asynchronous=replace(CONFIG, output_path=f"{PATH}-of-others")),
        "mode: async",
        "problem",
        "S3OutputPath is s3://work/async/output-of-others",
        "set S3OutputPath to s3://work/async/output",
    ),
    "answers in what is no place": (
        replace(ASYNC, asynchronous=replace(CONFIG, output_path="https://example.com/async")),
        "mode: async",
        "problem",
        "S3OutputPath is https://example.com/async",
        "set S3OutputPath to s3://work/async/output",
    ),
    "no place for failures": (
        replace(ASYNC, asynchronous=replace(CONFIG, failure_path=None)),
        "mode: async",
        "problem",
        "S3FailurePath is not set",
        "set S3FailurePath to s3://work/async/failure",
    ),
    "another's topic": (
        replace(ASYNC, asynchronous=replace(CONFIG, success_topic="arn:mine")),
        "mode: async",
        "problem",
        "SuccessTopic is arn:mine",
        f"set SuccessTopic to {SUCCESS}",
    ),
    "no topic for failures": (
        replace(ASYNC, asynchronous=replace(CONFIG, error_topic=None)),
        "mode: async",
        "problem",
        "ErrorTopic is not set",
        f"set ErrorTopic to {ERROR}",
    ),
    "a role that may not notify": (
        replace(ASYNC, denied=(("sns:Publish", SUCCESS),)),
        "mode: async",
        "problem",
        f"its role may not sns:Publish {SUCCESS}",
        "allow it in the policy of the model's execution role",
    ),
    "an endpoint that sleeps soundly": (
        replace(ASYNC, scaling=ScalingFacts(0)),
        "mode: async",
        "warning",
        "scales to zero, and small files don't wake it up",
        "HasBacklogWithoutCapacity",
    ),
    "a target on an asynchronous endpoint": (
        ASYNC,
        "mode: auto, target_variant: main",
        "problem",
        "an asynchronous request cannot name a part of its endpoint",
        "",
    ),
    "large requests to a serverless endpoint": (
        SERVERLESS,
        "mode: realtime",
        "warning",
        "it is serverless and takes 4 MB, requests may have 4,194,304 bytes",
        "set `invoke.max_payload: 4MB`",
    ),
    "a multi-model endpoint without a model": (
        MANY,
        "mode: realtime",
        "problem",
        "it is a multi-model endpoint",
        "add `invoke.target_model`",
    ),
    "a model where there is one only": (
        REALTIME,
        "mode: realtime, target_model: a",
        "problem",
        "it has one model only",
        "remove `invoke.target_model`",
    ),
    "no container": (
        DIRECT,
        "mode: realtime",
        "problem",
        "its containers are invoked by their names",
        "add `invoke.target_container`: first, second",
    ),
    "an unknown container": (
        DIRECT,
        "mode: realtime, target_container: third",
        "problem",
        "it has no container third",
        "mend `invoke.target_container`: first, second",
    ),
    "a container of a pipeline": (
        REALTIME,
        "mode: realtime, target_container: first",
        "problem",
        "its containers cannot be invoked by their names",
        "remove `invoke.target_container`",
    ),
    "an unknown variant": (
        REALTIME,
        "mode: realtime, target_variant: blue",
        "problem",
        "it has no variant blue",
        "mend `invoke.target_variant`: main",
    ),
    "a component where there are none": (
        REALTIME,
        "mode: realtime, inference_component: six",
        "problem",
        "it has no inference components",
        "remove `invoke.inference_component`",
    ),
    "no component": (
        SHARED,
        "mode: realtime",
        "problem",
        "it takes requests for inference components only",
        "add `invoke.inference_component`: six",
    ),
    "an unknown component": (
        SHARED,
        "mode: realtime, inference_component: seven",
        "problem",
        "it has no component seven",
        "mend `invoke.inference_component`: six",
    ),
    "no component, and none may be listed": (
        replace(SHARED, components=None),
        "mode: realtime",
        "problem",
        "it takes requests for inference components only",
        "add `invoke.inference_component`: its name",
    ),
    "a component that failed": (
        replace(SHARED, components={"six": "Failed"}),
        "mode: realtime, inference_component: six",
        "problem",
        "component six is Failed",
        "create it anew",
    ),
    "a component that is being made": (
        replace(SHARED, components={"six": "Creating"}),
        "mode: realtime, inference_component: six",
        "warning",
        "component six is Creating",
        "wait until it is in service",
    ),
    "an accelerator": (
        replace(REALTIME, variants=(replace(MAIN, accelerator="ml.eia2.medium"),)),
        "mode: realtime",
        "warning",
        "variant main has a retired accelerator of Elastic Inference",
        "it works as ever; a new one needs Inferentia instances",
    ),
    "what could not be asked": (
        replace(ASYNC, unchecked=("scaling: AccessDenied",)),
        "mode: async",
        "unchecked",
        "scaling: AccessDenied",
        "",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_doesnt_suit_is_found_with_its_remedy(case: Any) -> None:
    facts, invoke, level, what, remedy = case

    (told,) = [each for each in found(facts, invoke) if each.level != "fine"]

    assert (told.level, what in told.what, remedy in told.remedy) == (level, True, True), told


def test_an_endpoint_that_the_stack_may_not_call_is_told_with_the_names_that_it_may() -> None:
    stack = replace(STACK, endpoint_names="other prod-*")
    pipeline = load_pipeline("invoke: {endpoint: churn}", "a file")

    (told,) = [each for each in findings(ASYNC, pipeline, stack) if each.level != "fine"]

    assert "other" in told.what
    assert "EndpointNamePattern" in told.remedy


def test_small_chunks_suit_a_serverless_endpoint_without_a_word_about_payloads() -> None:
    text = "{invoke: {mode: realtime, endpoint: churn}, chunk: {max_bytes: 1MiB}}"

    told = findings(SERVERLESS, load_pipeline(text, "a file"), STACK)

    assert {each.level for each in told} == {"fine"}


@pytest.mark.parametrize(
    ("facts", "levels", "verdict"),
    [
        (ASYNC, ["fine"], True),
        (replace(ASYNC, status="Creating"), ["warning"], True),
        (replace(ASYNC, status="Failed"), ["problem"], False),
        (EndpointFacts("churn", MISSING, "in eu-west-1"), ["problem", "fine"], False),
        (EndpointFacts("churn", UNKNOWN, unchecked=("it",)), ["fine", "unchecked"], None),
        (EndpointFacts("churn", "InService", unchecked=("it",)), ["fine", "fine"], None),
    ],
)
def test_what_cannot_be_looked_at_neither_suits_nor_doesnt(
    facts: EndpointFacts, levels: list[str], *, verdict: bool | None
) -> None:
    told = found(facts, "mode: async")

    assert [each.level for each in told][: len(levels)] == levels
    assert suits(facts, told) is verdict


def test_the_role_is_asked_about_in_the_partition_of_the_stack() -> None:
    china = replace(STACK, success_topic=SUCCESS.replace("arn:aws:", "arn:aws-cn:"))

    assert STACK.needs[0] == ("s3:GetObject", "arn:aws:s3:::work/async/input/x")
    assert china.needs[0] == ("s3:GetObject", "arn:aws-cn:s3:::work/async/input/x")
