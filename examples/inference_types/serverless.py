"""A serverless endpoint: no instances, 4 MB a request, and no more calls at a time than it allows.

The endpoint takes two requests at a time. The throttles that this costs are waited out; Penstock
learns how many chunks the endpoint takes and sends no more.
"""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear

MODEL = Linear(factor=3)
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-serverless
  max_payload: 4MB
chunk:
  max_records: 100
"""
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}


def create(stack: Stack) -> None:
    create_model(stack, "types-serverless", {"Environment": MODEL.environment})
    variant = {"ModelName": "types-serverless", "ServerlessConfig": SERVERLESS}
    create_endpoint(stack, "types-serverless", variant)


EXAMPLE = Example(
    name="serverless",
    about="a serverless endpoint that takes two requests at a time",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=1000,
    file=csv_of(MODEL),
)
