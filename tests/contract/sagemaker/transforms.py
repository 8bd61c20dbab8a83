"""Transform jobs as the tests make and watch them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sagemaker.lab import BUCKET, ON_AWS, Lab, eventually, image, unique

ENDED = ("Completed", "Failed", "Stopped")


@dataclass
class Batch:
    """A folder in the bucket for the inputs and outputs of one test."""

    lab: Lab
    folder: str
    journal_file: Path

    def put(self, name: str, content: str | bytes) -> str:
        body = content if isinstance(content, bytes) else content.encode()
        return self.lab.around.put(f"{self.folder}/in/{name}", body)

    @property
    def inputs(self) -> str:
        return f"s3://{BUCKET}/{self.folder}/in/"

    def request(self, **members: Any) -> dict[str, Any]:
        """`source`, `input`, `output` and `resources` are parts of members of the same kind."""
        source = {"S3DataType": "S3Prefix", "S3Uri": self.inputs, **members.pop("source", {})}
        transform_input = {"DataSource": {"S3DataSource": source}, "SplitType": "Line"}
        output = {"S3OutputPath": f"s3://{BUCKET}/{self.folder}/out", "AssembleWith": "Line"}
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
        return {
            "TransformJobName": unique("job"),
            "TransformInput": {**transform_input, **members.pop("input", {})},
            "TransformOutput": {**output, **members.pop("output", {})},
            "TransformResources": {**resources, **members.pop("resources", {})},
            **members,
        }

    def model(self, **environment: str) -> str:
        journal = {} if ON_AWS else {"JOURNAL": str(self.journal_file)}
        return self.lab.model({**journal, **environment}, Image=image("batch"))

    def create(self, model: str | None = None, **members: Any) -> str:
        request = self.request(ModelName=model or self.model(), **members)
        self.lab.server.control.create_transform_job(**request)
        name: str = request["TransformJobName"]
        return name

    def run(self, model: str | None = None, **members: Any) -> Any:
        """The description of the job at its end."""
        return self.until_over(self.create(model, **members))

    def until_over(self, name: str) -> Any:
        eventually(lambda: self.describe(name)["TransformJobStatus"] in ENDED, 15)
        return self.describe(name)

    def describe(self, name: str) -> Any:
        return self.lab.server.control.describe_transform_job(TransformJobName=name)

    def stop(self, name: str) -> None:
        self.lab.server.control.stop_transform_job(TransformJobName=name)

    def outputs(self) -> dict[str, str]:
        """By their names under the output path."""
        prefix = f"{self.folder}/out/"
        found = self.lab.around.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        keys = [item["Key"] for item in found.get("Contents", [])]
        return {key.removeprefix(prefix): self._read(key) for key in keys}

    def journal(self) -> list[Any]:
        """The requests that the model servers got."""
        if ON_AWS:
            pytest.skip("looks into the model server's folder")
        if not self.journal_file.exists():
            return []
        return [json.loads(line) for line in self.journal_file.read_text().splitlines()]

    def bodies(self) -> list[str]:
        return [entry["body"] for entry in self.journal()]

    def _read(self, key: str) -> str:
        body: bytes = self.lab.around.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body.decode()
