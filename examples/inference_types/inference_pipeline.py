"""An inference pipeline: the answer of each container is the request of the next one."""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear

SCALE, SHIFT = Linear(factor=10), Linear(offset=-3)
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-inference-pipeline
"""


def create(stack: Stack) -> None:
    containers = [{"Environment": model.environment} for model in (SCALE, SHIFT)]
    create_model(stack, "types-inference-pipeline", *containers)
    create_endpoint(stack, "types-inference-pipeline", {"ModelName": "types-inference-pipeline"})


EXAMPLE = Example(
    name="inference_pipeline",
    about="an inference pipeline of two containers",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=500,
    file=csv_of(lambda row: SHIFT([float(SCALE(row))])),
)
