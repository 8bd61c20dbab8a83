from typing import Any

import pytest

from penstock_local.sagemaker.constraints import message, violations
from penstock_local.sagemaker.errors import ApiError
from penstock_local.sagemaker.service_model import control_request, runtime_request

VARIANT = {"VariantName": "A"}


def found(operation: str, request: dict[str, Any]) -> list[str]:
    return violations(control_request(operation), request)


def test_a_good_request_has_no_violations():
    assert found("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"}) == []


def test_a_missing_member_must_not_be_null():
    assert found("CreateEndpoint", {"EndpointName": "e"}) == [
        "Value null at 'endpointConfigName' failed to satisfy constraint: Member must not be null"
    ]


def test_list_items_are_counted_from_one_in_the_path():
    request = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT, {"VariantName": "-"}]}

    (violation,) = found("CreateEndpointConfig", request)

    assert violation.startswith("Value '-' at 'productionVariants.2.member.variantName' failed")


@pytest.mark.parametrize(("count", "valid"), [(1, True), (10, True), (0, False), (11, False)])
def test_the_length_of_a_list_is_bounded(count: int, valid: bool):
    request = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT] * count}

    assert (found("CreateEndpointConfig", request) == []) is valid


@pytest.mark.parametrize(("name", "valid"), [("a-b", True), ("a" * 63, True), ("a_b", False)])
def test_a_pattern_must_match_the_whole_value(name: str, valid: bool):
    assert (found("DescribeEndpoint", {"EndpointName": name}) == []) is valid


@pytest.mark.parametrize(("value", "valid"), [("é x", True), ("x\u00b1", False)])
def test_character_classes_of_java_patterns_are_understood(value: str, valid: bool):
    request = {
        "EndpointName": "e",
        "EndpointConfigName": "c",
        "Tags": [{"Key": "k", "Value": value}],
    }

    assert (found("CreateEndpoint", request) == []) is valid


def test_sensitive_values_are_not_shown():
    request = {"EndpointName": "e", "CustomAttributes": "secret" * 200}

    (violation,) = violations(runtime_request("InvokeEndpointAsync"), request)

    assert violation.startswith("Value at 'customAttributes' failed")


@pytest.mark.parametrize("wrong", [5, True, ["e"], {}])
def test_a_wrong_type_is_a_serialization_exception(wrong: Any):
    with pytest.raises(ApiError) as caught:
        found("DescribeEndpoint", {"EndpointName": wrong})

    assert caught.value.code == "SerializationException"


def test_messages_count_the_violations():
    assert message(["one"]) == "1 validation error detected: one"
    assert message(["one", "two"]) == "2 validation errors detected: one; two"
