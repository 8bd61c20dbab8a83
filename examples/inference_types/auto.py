"""`mode: auto`: the endpoint turns out to be serverless, so the file is inferred in real time.

With `model` and `instance_type` beside the endpoint, files of `transform_from` and more would
become transform jobs.
"""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear

MODEL = Linear(factor=11)
PIPELINE = """\
invoke:
  mode: auto
  endpoint: types-auto
chunk:
  max_records: 200
"""
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


def create(stack: Stack) -> None:
    create_model(stack, "types-auto", {"Environment": MODEL.environment})
    variant = {"ModelName": "types-auto", "ServerlessConfig": SERVERLESS}
    create_endpoint(stack, "types-auto", variant)


EXAMPLE = Example(
    name="auto",
    about="a mode that is chosen: the manifest says which, and why",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=1000,
    file=csv_of(MODEL),
)
