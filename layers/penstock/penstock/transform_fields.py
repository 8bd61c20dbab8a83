"""The fields of `invoke` in `_pipeline.yaml` that are for `mode: transform`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from penstock.domain.transform import (
    MEGABYTE,
    USUAL_TRANSFORM_MB,
    DataCapture,
    Experiment,
    Strategy,
    Transform,
)
from penstock.pipeline_fields import Name, OptionalText, Section

_MEGABYTE_1000 = 10**6

KmsKey = Annotated[OptionalText, Field(max_length=2048)]
Filter = Annotated[OptionalText, Field(max_length=63)]
Entity = Annotated[OptionalText, Field(max_length=120, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$")]


class DataCaptureSection(Section):
    """Where SageMaker keeps a copy of requests and answers."""

    destination: str = Field(max_length=512, pattern=r"^(https|s3)://([^/]+)/?(.*)$")
    kms_key: KmsKey = None
    generate_inference_id: bool = False


class ExperimentSection(Section):
    """What the transform jobs are noted under in SageMaker Experiments."""

    name: Entity = None
    trial: Entity = None
    trial_component: Entity = None
    run: Entity = None


class TransformFields(Section):
    """How a model is run over whole files, without an endpoint."""

    model: Name | None = Field(
        None, description="transform: name of a SageMaker model, which is run without an endpoint"
    )
    instance_type: str | None = Field(
        None,
        max_length=63,
        pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$",
        description="transform: a type of ML instances, such as ml.m5.xlarge",
    )
    instance_count: int = Field(1, ge=1, le=100, description="transform: instances of each job")
    strategy: Strategy | None = Field(
        None,
        description="transform: how SageMaker makes requests of the lines of a chunk; by default "
        "each chunk is one request",
    )
    max_concurrent_transforms: int | None = Field(
        None, ge=1, le=100, description="transform: requests at a time on each instance"
    )
    max_retries: int | None = Field(
        None, ge=0, le=3, description="transform: how often SageMaker repeats a request itself (3)"
    )
    environment: dict[
        Annotated[str, Field(max_length=1024, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")],
        Annotated[str, Field(max_length=10_240)],
    ] = Field({}, max_length=16, description="transform: variables of the model's container")
    input_filter: Filter = Field(
        None, description="transform: JSONPath of what of each record the model gets"
    )
    output_filter: Filter = Field(
        None, description="transform: JSONPath of what of each result is kept"
    )
    join_source: Literal["none", "input"] = Field(
        "none", description="transform: input, SageMaker joins each record and its result"
    )
    compression: Literal["none", "gzip"] = Field(
        "none", description="transform: gzip, chunks are compressed on their way to SageMaker"
    )
    output_kms_key: KmsKey = Field(None, description="transform: encrypts SageMaker's outputs")
    volume_kms_key: KmsKey = Field(None, description="transform: encrypts the instances' disks")
    transform_ami_version: Annotated[OptionalText, Field(max_length=63)] = Field(
        None, pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9.])*$", description="transform: machine image"
    )
    data_capture: DataCaptureSection | None = Field(
        None, description="transform: where SageMaker keeps a copy of requests and answers"
    )
    experiment: ExperimentSection | None = Field(
        None, description="transform: what the jobs are noted under in SageMaker Experiments"
    )
    tags: dict[
        Annotated[str, Field(min_length=1, max_length=128)], Annotated[str, Field(max_length=256)]
    ] = Field({}, max_length=50, description="transform: tags of the transform jobs")


TRANSFORM_KEYS = frozenset(TransformFields.model_fields)


def megabytes(size: int) -> int | None:
    """`6MB` and `6MiB` are 6; None for what is neither."""
    for unit in (MEGABYTE, _MEGABYTE_1000):
        if size % unit == 0:
            return size // unit
    return None


def transform_of(fields: dict[str, Any], max_payload: int | None) -> Transform:
    """What the checked fields come to."""
    capture, experiment = fields["data_capture"], fields["experiment"]
    payload = USUAL_TRANSFORM_MB if max_payload is None else megabytes(max_payload)
    return Transform(
        **{name: fields[name] for name in TRANSFORM_KEYS}
        | {
            "max_payload": payload,
            "join_source": fields["join_source"] == "input",
            "compression": fields["compression"] == "gzip",
            "data_capture": DataCapture(**capture) if capture else None,
            "experiment": Experiment(**experiment) if experiment else None,
        }
    )
