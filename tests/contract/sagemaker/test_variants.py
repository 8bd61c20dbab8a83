"""Production variants: who answers, how often, and who is asked for by name."""

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.sagemaker.lab import BUCKET, ON_AWS, Lab, eventually, unique, variant_of
from tests.contract.sagemaker.refusals import refusal


def config_of(lab: Lab, *variants: dict[str, Any], **further: Any) -> str:
    name = unique("config")
    lab.server.control.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=list(variants), **further
    )
    return name


def endpoint_with(lab: Lab, weights: dict[str, float]) -> str:
    variants = [
        variant_of(lab.model({"NAME": name}), VariantName=name, InitialVariantWeight=weight)
        for name, weight in weights.items()
    ]
    endpoint = lab.endpoint(config_of(lab, *variants))
    lab.server.until_status(endpoint, "InService")
    return endpoint


def invoke(lab: Lab, endpoint: str, **parameters: Any) -> str:
    """The variant that answered, as the response and as its environment tell."""
    response = lab.server.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"environment", **parameters
    )
    variant: str = response["InvokedProductionVariant"]
    assert f'"NAME": "{variant}"'.encode() in response["Body"].read()
    return variant


def is_ready(lab: Lab, endpoint: str, variant: str) -> bool:
    instances = lab.server.stats(endpoint)["instances"]
    return any(item["ready"] for item in instances if item["variant"] == variant)


def test_requests_are_distributed_by_weight(lab: Lab):
    endpoint = endpoint_with(lab, {"A": 1, "B": 1, "C": 0})

    found = Counter(invoke(lab, endpoint) for _ in range(30))

    assert set(found) == {"A", "B"}


def test_a_target_variant_overrides_the_weights(lab: Lab):
    endpoint = endpoint_with(lab, {"A": 1, "B": 0})

    assert invoke(lab, endpoint) == "A"
    assert invoke(lab, endpoint, TargetVariant="B") == "B"


def test_a_target_variant_must_exist(lab: Lab):
    endpoint = endpoint_with(lab, {"A": 1, "B": 1})

    error = refusal(invoke, lab, endpoint, TargetVariant="C")

    assert error["Error"]["Code"] == "ValidationError"
    if not ON_AWS:  # whose words are not known
        assert error["Error"]["Message"] == f"Variant C does not exist in endpoint {endpoint}."


def test_the_only_variant_may_be_named_too(lab: Lab):
    endpoint = endpoint_with(lab, {"A": 1})

    assert invoke(lab, endpoint, TargetVariant="A") == "A"


def test_each_variant_is_described_with_its_weight_and_instances(lab: Lab):
    endpoint = endpoint_with(lab, {"A": 3, "B": 1})

    described = lab.server.control.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]

    assert [(item["VariantName"], item["CurrentWeight"]) for item in described] == [
        ("A", 3.0),
        ("B", 1.0),
    ]
    instances = lab.server.stats(endpoint)["instances"]
    assert sorted(instance["variant"] for instance in instances) == ["A", "B"]


def test_a_variant_that_does_not_start_fails_the_endpoint_and_is_named(lab: Lab):
    sick = variant_of(lab.model({"START": "never"}), VariantName="Sick")
    endpoint = lab.endpoint(config_of(lab, variant_of(lab.model(), VariantName="Well"), sick))

    eventually(lambda: is_ready(lab, endpoint, "Well"))
    lab.server.local("POST", "clock", {"advance_seconds": 481})

    lab.server.until_status(endpoint, "Failed")
    described = lab.server.control.describe_endpoint(EndpointName=endpoint)
    assert "for production variant Sick did not pass" in described["FailureReason"]


@pytest.mark.local
@pytest.mark.parametrize(
    ("variants", "further", "message"),
    [
        ([{"VariantName": "A"}] * 2, {}, "VariantName must be unique"),
        ([{"VariantName": "A", "InitialVariantWeight": 0}], {}, "must be greater than 0"),
        ([{"VariantName": f"V{n}"} for n in range(11)], {}, "length less than or equal to 10"),
        (
            [{"VariantName": "A"}, {"VariantName": "B"}],
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/o"}}},
            "AsyncInferenceConfig with several ProductionVariants is not supported",
        ),
    ],
)
def test_variants_that_can_not_be_had_are_refused(
    lab: Lab, variants: list[Any], further: dict[str, Any], message: str
):
    model = lab.model()

    with pytest.raises(ClientError, match=message):
        config_of(lab, *(variant_of(model, **variant) for variant in variants), **further)


def test_the_model_of_every_variant_must_exist(lab: Lab):
    with pytest.raises(ClientError, match="Could not find model"):
        config_of(lab, variant_of(lab.model()), variant_of("none", VariantName="B"))
