"""One example for each of SageMaker's inference types; `python -m examples.inference_types`."""

from examples.inference_types import (
    asynchronous,
    auto,
    batch_transform,
    inference_component,
    inference_pipeline,
    multi_container,
    multi_model,
    realtime,
    serverless,
    variants,
)

EXAMPLES = {
    module.EXAMPLE.name: module.EXAMPLE
    for module in (
        asynchronous,
        realtime,
        serverless,
        multi_model,
        multi_container,
        inference_pipeline,
        variants,
        inference_component,
        batch_transform,
        auto,
    )
}
