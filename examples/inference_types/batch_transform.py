"""Batch Transform: instances that run for the file only, on two of which its chunks are spread.

`examples/transform` shows what it does with a header, quoted newlines and a record that is refused.
"""

from examples.inference_types.example import Example, Stack, create_model, csv_of
from examples.inference_types.linear import Linear

MODEL = Linear(factor=9)
PIPELINE = """\
invoke:
  mode: transform
  model: types-batch-transform
  instance_type: ml.m5.large
  instance_count: 2
  max_concurrent_transforms: 4
chunk:
  max_records: 100
"""


def create(stack: Stack) -> None:
    create_model(stack, "types-batch-transform", {"Environment": MODEL.environment})


EXAMPLE = Example(
    name="batch_transform",
    about="a transform job on two instances",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=1000,
    file=csv_of(MODEL),
)
