import pytest

from penstock_local.sagemaker.faults import (
    API_FAULTS,
    MODEL_FAULTS,
    FaultBook,
    FaultRule,
    FaultRuleError,
    parse_rules,
)


def book(*rules: FaultRule, seed: int = 0) -> FaultBook:
    faults = FaultBook()
    faults.replace(list(rules), seed)
    return faults


def test_a_rule_strikes_only_its_endpoint_and_its_stage():
    faults = book(FaultRule("throttle", endpoint="a"))

    assert faults.draw("b", API_FAULTS) == []
    assert faults.draw("a", MODEL_FAULTS) == []
    assert [rule.fault for rule in faults.draw("a", API_FAULTS)] == ["throttle"]


def test_a_rule_without_an_endpoint_strikes_all():
    assert book(FaultRule("throttle")).draw("any", API_FAULTS)


def test_the_name_in_a_rule_may_hold_wildcards():
    faults = book(FaultRule("throttle", endpoint="penstock-*"))

    assert faults.draw("penstock-7", API_FAULTS)
    assert not faults.draw("other", API_FAULTS)


def test_the_control_plane_is_struck_only_by_rules_that_name_the_operation():
    faults = book(FaultRule("throttle"), FaultRule("hang", operation="CreateModel"))

    drawn = faults.draw_for_operation("m", "CreateModel", named=True)
    assert drawn and drawn.fault == "hang"
    assert faults.draw_for_operation("m", "DeleteModel", named=True) is None
    drawn = faults.draw_for_operation("e", "InvokeEndpoint", named=False)
    assert drawn and drawn.fault == "throttle"


def test_a_rule_strikes_only_so_many_times():
    faults = book(FaultRule("throttle", times=2))

    assert [len(faults.draw("a", API_FAULTS)) for _ in range(4)] == [1, 1, 0, 0]


def test_a_probability_strikes_about_that_often_and_the_same_for_the_same_seed():
    def strikes(seed: int) -> list[int]:
        faults = book(FaultRule("throttle", probability=0.3), seed=seed)
        return [len(faults.draw("a", API_FAULTS)) for _ in range(1000)]

    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 250 < sum(strikes(1)) < 350


def test_rules_do_not_disturb_each_others_chances():
    half = FaultRule("throttle", probability=0.5)
    alone, beside = book(half), book(half, FaultRule("model_error", probability=0.5))

    def strikes(faults: FaultBook) -> list[int]:
        return [
            len(faults.draw("a", API_FAULTS)) + 0 * len(faults.draw("a", MODEL_FAULTS))
            for _ in range(50)
        ]

    assert strikes(alone) == strikes(beside)


def test_the_first_rule_that_strikes_spares_the_later_ones():
    faults = book(FaultRule("throttle", times=1), FaultRule("internal_failure", times=1))

    drawn = [faults.draw_one("a", API_FAULTS) for _ in range(3)]

    assert [rule and rule.fault for rule in drawn] == ["throttle", "internal_failure", None]


def test_rules_are_read_with_their_defaults():
    assert parse_rules([{"fault": "slow_model", "seconds": 2}]) == [
        FaultRule("slow_model", seconds=2)
    ]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fault": "slow_model", "seconds": "2"}, "rule 1: seconds is of the wrong type"),
        ({"fault": "slow_model", "seconds": True}, "rule 1: seconds is of the wrong type"),
        ({"fault": "slow_model", "seconds": -1}, "rule 1: seconds must lie in 0..inf"),
        ({"fault": "model_error", "status": 200}, "rule 1: status must lie in 300..599"),
        ({"fault": "throttle", "often": 1}, "rule 1: unknown members often"),
        ({"endpoint": "a"}, "rule 1: fault must be one of"),
    ],
)
def test_a_bad_rule_is_named_with_its_member(rule: object, message: str):
    with pytest.raises(FaultRuleError, match=message):
        parse_rules([{"fault": "throttle"}, rule])
