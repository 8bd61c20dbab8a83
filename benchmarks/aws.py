"""What AWS allows, and what is assumed of its speed where it can't be measured here."""

from dataclasses import dataclass
from typing import Any

import yaml

from penstock_local.layout import PROJECT_ROOT

# Limits, with their sources
S3_READS_PER_PREFIX = 5500  # S3 User Guide, "Optimizing performance"
S3_WRITES_PER_PREFIX = 3500
PARTITION_WRITES = 1000  # DynamoDB Developer Guide, "Warm throughput": units a second
NEW_TABLE_WRITES = 4000  # ibid., on demand; it grows to twice the last peak within 30 minutes
SQS_IN_FLIGHT = 120_000  # SQS Developer Guide, "Message quotas": of a standard queue
WHOLE_PROCESSOR = 1769 / 1024
"""Gigabytes of memory that come with one processor (Lambda Developer Guide, "Memory")."""


@dataclass(frozen=True)
class Speeds:
    """Seconds, and bytes a second. Assumed on the slow side: small calls within one region."""

    dynamodb: float = 0.010
    query_page: float = 0.030
    sqs: float = 0.020
    s3: float = 0.050  # until the first byte
    s3_stream: float = 80e6
    s3_copy: float = 100e6  # UploadPartCopy, one part
    sagemaker: float = 0.100
    announce: float = 0.020
    send_processor: float = 0.002  # of one SDK call, with a whole processor


@dataclass(frozen=True)
class Function:
    """As template.yaml has it."""

    timeout: int
    gigabytes: float
    batch: int
    concurrency: int

    @property
    def processors(self) -> float:
        """More than one help little: Python computes in one thread at a time."""
        return min(1.0, self.gigabytes / WHOLE_PROCESSOR)


def template_functions() -> dict[str, Function]:
    """Those of the stream, by the names in the template, without `Function`.

    The sweep and the handler of dead letters have no part in a job that goes well.
    """
    document = _template()
    return {
        name.removesuffix("Function"): _function(document, resource["Properties"])
        for name, resource in document["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function" and _is_of_the_stream(resource)
    }


def template_parameter(name: str) -> float:
    """The default of a number."""
    return float(_template()["Parameters"][name]["Default"])


def _template() -> dict[str, Any]:
    text = (PROJECT_ROOT / "template.yaml").read_text()
    return dict(yaml.load(text, Loader=_Loader))  # noqa: S506  a SafeLoader


def _is_of_the_stream(resource: dict[str, Any]) -> bool:
    return "QUEUE_URL" in resource["Properties"]["Environment"]["Variables"]


def _function(document: dict[str, Any], properties: dict[str, Any]) -> Function:
    (source,) = (event["Properties"] for event in properties["Events"].values())
    concurrency = source["ScalingConfig"]["MaximumConcurrency"]
    return Function(
        timeout=properties["Timeout"],
        gigabytes=properties["MemorySize"] / 1024,
        batch=source["BatchSize"],
        concurrency=document["Parameters"][concurrency]["Default"],
    )


class _Loader(yaml.SafeLoader):
    """Takes `!Ref name` for the name; other intrinsics aren't looked at."""


def _intrinsic(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    return node.value if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _intrinsic)
