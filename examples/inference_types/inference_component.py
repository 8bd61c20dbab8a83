"""An inference component: one of several models that share the instances of an endpoint."""

import time

from examples.inference_types.example import Example, Stack, create_endpoint, create_model, csv_of
from examples.inference_types.linear import Linear
from examples.local_endpoint import client

MODEL = Linear(factor=6)
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-components
  inference_component: types-six
"""
_STARTUP_SECONDS = 60


def create(stack: Stack) -> None:
    create_model(stack, "types-components", {"Environment": MODEL.environment})
    how = {"ExecutionRoleArn": "arn:aws:iam::000000000000:role/endpoint"}
    create_endpoint(stack, "types-components", {}, **how)
    sagemaker = client(stack, "sagemaker")
    sagemaker.create_inference_component(
        InferenceComponentName="types-six",
        EndpointName="types-components",
        VariantName="main",
        Specification={
            "ModelName": "types-components",
            "ComputeResourceRequirements": {
                "NumberOfCpuCoresRequired": 1,
                "MinMemoryRequiredInMb": 256,
            },
        },
        RuntimeConfig={"CopyCount": 1},
    )
    for _ in range(5 * _STARTUP_SECONDS):
        found = sagemaker.describe_inference_component(InferenceComponentName="types-six")
        if found["InferenceComponentStatus"] == "InService":
            return
        time.sleep(0.2)
    raise RuntimeError(f"the component is not in service after {_STARTUP_SECONDS} s")


EXAMPLE = Example(
    name="inference_component",
    about="an inference component",
    create=create,
    pipeline=PIPELINE,
    key="numbers.csv",
    records=500,
    file=csv_of(MODEL),
)
