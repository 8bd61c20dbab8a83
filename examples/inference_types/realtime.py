"""A real-time endpoint: each answer comes back in the same call, within a minute."""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear

MODEL = Linear(factor=2, offset=1)
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-realtime
chunk:
  max_records: 100
"""


def create(stack: Stack) -> None:
    create_model(stack, "types-realtime", {"Environment": MODEL.environment})
    create_endpoint(stack, "types-realtime", {"ModelName": "types-realtime"})


EXAMPLE = Example(
    name="realtime",
    about="a real-time endpoint",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=1000,
    file=csv_of(MODEL),
)
