"""Which variant a request goes to. Pure.

Guide, `model-ab-testing`: in proportion to the weights, unless the request names a variant.
"""

import random
from collections.abc import Sequence

from penstock_local.sagemaker.errors import validation_error
from penstock_local.sagemaker.resources import Endpoint, Variant


def chosen(endpoint: Endpoint, target_variant: str | None, chance: random.Random) -> Variant:
    """Raises ApiError for a variant that isn't there; the text is ours."""
    variants = endpoint.config.variants
    if target_variant is None:
        return weighted(variants, chance)
    for variant in variants:
        if variant.name == target_variant:
            return variant
    raise validation_error(f"Variant {target_variant} does not exist in endpoint {endpoint.name}.")


def weighted(variants: Sequence[Variant], chance: random.Random) -> Variant:
    """One of a variant's weight divided by the sum of all weights, which is above 0."""
    (variant,) = chance.choices(variants, [variant.weight for variant in variants])
    return variant
