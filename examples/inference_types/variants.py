"""Two production variants: the weights decide, and the manifest says who answered what.

Both hold the same model here. In an A/B test they don't, and `served_by` of the manifest tells
which records to compare.
"""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear

MODEL = Linear(factor=4)
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-variants
chunk:
  max_records: 20
"""
"""With `target_variant: blue` it would be that one alone."""


def create(stack: Stack) -> None:
    create_model(stack, "types-variants", {"Environment": MODEL.environment})
    variants = [
        {"VariantName": name, "ModelName": "types-variants", "InitialVariantWeight": weight}
        for name, weight in (("blue", 3), ("green", 1))
    ]
    create_endpoint(stack, "types-variants", *variants)


EXAMPLE = Example(
    name="variants",
    about="two production variants, three quarters of the chunks to the first",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=1000,
    file=csv_of(MODEL),
)
