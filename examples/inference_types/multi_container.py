"""A multi-container endpoint in direct mode: each request is for the container that it names."""

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear

FIRST, SECOND = Linear(factor=5), Linear(factor=7)
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-multi-container
  target_container: second
"""


def create(stack: Stack) -> None:
    containers = [
        {"ContainerHostname": name, "Environment": model.environment}
        for name, model in (("first", FIRST), ("second", SECOND))
    ]
    direct = {"InferenceExecutionConfig": {"Mode": "Direct"}}
    create_model(stack, "types-multi-container", *containers, **direct)
    create_endpoint(stack, "types-multi-container", {"ModelName": "types-multi-container"})


EXAMPLE = Example(
    name="multi_container",
    about="a multi-container endpoint, its second container addressed directly",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=500,
    file=csv_of(SECOND),
)
