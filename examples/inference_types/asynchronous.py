"""An asynchronous endpoint: requests wait in its queue, answers come to the work bucket."""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear
from examples.local_endpoint import async_config

MODEL = Linear(factor=8)
PIPELINE = """\
invoke:
  mode: async
  endpoint: types-asynchronous
chunk:
  max_records: 100
"""


def create(stack: Stack) -> None:
    create_model(stack, "types-asynchronous", {"Environment": MODEL.environment})
    variant = {"ModelName": "types-asynchronous"}
    how = {"AsyncInferenceConfig": async_config(stack)}
    create_endpoint(stack, "types-asynchronous", variant, **how)


EXAMPLE = Example(
    name="asynchronous",
    about="an asynchronous endpoint",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=1000,
    file=csv_of(MODEL),
)
