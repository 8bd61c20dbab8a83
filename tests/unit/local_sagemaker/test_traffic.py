import random
from collections import Counter

from penstock_local.sagemaker.resources import Variant
from penstock_local.sagemaker.traffic import weighted


def variant(name: str, weight: float) -> Variant:
    return Variant({"VariantName": name, "InitialVariantWeight": weight})


def choices(seed: str, *variants: Variant) -> list[str]:
    chance = random.Random(seed)
    return [weighted(variants, chance).name for _ in range(1000)]


def test_variants_are_chosen_in_proportion_to_their_weights():
    found = Counter(choices("1", variant("A", 3), variant("B", 1), variant("C", 0)))

    assert 700 < found["A"] < 800
    assert found["A"] + found["B"] == 1000


def test_the_same_seed_makes_the_same_choices():
    variants = variant("A", 1), variant("B", 1)

    assert choices("1", *variants) == choices("1", *variants)
    assert choices("1", *variants) != choices("2", *variants)


def test_a_variant_without_a_weight_has_weight_one():
    assert Variant({"VariantName": "A"}).weight == 1.0
