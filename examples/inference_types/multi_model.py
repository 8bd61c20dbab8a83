"""A multi-model endpoint: records of three shops in one file, each for the model of its shop."""

import io
import json
import tarfile

from examples.inference_types.example import (
    Example,
    File,
    Stack,
    create_endpoint,
    create_model,
    rows,
)
from examples.inference_types.linear import Linear
from examples.local_endpoint import client

MODELS = {"berlin": Linear(factor=2), "oslo": Linear(offset=100), "rome": Linear(factor=-1)}
PIPELINE = """\
invoke:
  mode: realtime
  endpoint: types-multi-model
  target_model: "{model}.tar.gz"
input:
  format: jsonl
  model_field: shop
chunk:
  max_records: 50
"""
PREFIX = "models/"


def create(stack: Stack) -> None:
    """The archives lie in the work bucket, so that the example needs no bucket of its own."""
    for name, model in MODELS.items():
        body = archive({"factor": model.factor, "offset": model.offset})
        key = f"{PREFIX}{name}.tar.gz"
        client(stack, "s3").put_object(Bucket=stack["work_bucket"], Key=key, Body=body)
    container = {"Mode": "MultiModel", "ModelDataUrl": f"s3://{stack['work_bucket']}/{PREFIX}"}
    create_model(stack, "types-multi-model", container)
    create_endpoint(stack, "types-multi-model", {"ModelName": "types-multi-model"})


def archive(document: dict[str, float]) -> bytes:
    """A model archive as SageMaker takes it: tar, gzip, the files at its top."""
    text, packed = json.dumps(document).encode(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.json")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return packed.getvalue()


def shop_of(number: int) -> str:
    return sorted(MODELS)[number * number // 2 % 3]


def sales(count: int) -> File:
    """Records of the three shops, mixed."""
    table = [(shop_of(number), row) for number, row in enumerate(rows(count))]
    lines = [json.dumps({"shop": shop, "x": row}) + "\n" for shop, row in table]
    return File("".join(lines).encode(), [MODELS[shop](row) for shop, row in table])


EXAMPLE = Example(
    name="multi_model",
    about="a multi-model endpoint, its models named by a field of each record",
    create=create,
    pipeline=PIPELINE,
    key="sales.jsonl",
    records=300,
    file=sales,
)
