"""What `mode: transform` demands of the other fields of `_pipeline.yaml`."""

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.domain.payload import media_type
from penstock.domain.pipeline import CONTENT_TYPES
from penstock.domain.results import JSON_LINES
from penstock.domain.transform import LARGEST_TRANSFORM_MB, USUAL_TRANSFORM_MB
from penstock.pipeline_document import PipelineDocument
from penstock.transform_fields import TRANSFORM_KEYS, megabytes


@dataclass(frozen=True, slots=True)
class Complaint:
    """About the field at `location`: what is wrong and the remedy, a sentence after its name."""

    location: tuple[str, ...]
    text: str


_PROCESSING = ("input_filter", "output_filter", "join_source")
_PROCESSED_TYPES = JSON_LINES | {"text/csv"}
_SPLIT_ELSEWHERE = ("recordio", "tfrecord")


def transform_complaints(document: PipelineDocument) -> Iterator[Complaint]:
    """In the order of the document's keys."""
    chooses = document.invoke.mode == "auto"
    if document.invoke.mode != "transform" and not chooses:
        yield from _out_of_place(document)
        return
    if chooses and not TRANSFORM_KEYS & document.invoke.model_fields_set:
        return
    yield from _needed(document)
    yield from _unsent(document) if chooses else _without_endpoint(document)
    yield from _sizes(document)
    yield from _formats(document)
    yield from _by_line(document)


def _out_of_place(document: PipelineDocument) -> Iterator[Complaint]:
    invoke = document.invoke
    for key in sorted(TRANSFORM_KEYS & invoke.model_fields_set):
        text = f"is for mode: transform, and this is {invoke.mode}; remove it, or set the mode"
        yield Complaint(("invoke", key), text)


def _needed(document: PipelineDocument) -> Iterator[Complaint]:
    for key in ("model", "instance_type"):
        if getattr(document.invoke, key) is None:
            text = "is missing: a transform job starts instances of its own for a model; add it"
            yield Complaint(("invoke", key), text)


def _without_endpoint(document: PipelineDocument) -> Iterator[Complaint]:
    invoke = document.invoke
    if invoke.endpoint:
        text = "is for the other modes: a transform job runs `invoke.model` without one; remove it"
        yield Complaint(("invoke", "endpoint"), text)
    yield from _unsent(document)


def _unsent(document: PipelineDocument) -> Iterator[Complaint]:
    if document.invoke.custom_attributes:
        text = "is for the other modes: a transform job cannot send it; use `invoke.environment`"
        yield Complaint(("invoke", "custom_attributes"), text)


def _sizes(document: PipelineDocument) -> Iterator[Complaint]:
    invoke, where = document.invoke, ("invoke", "max_payload")
    size = USUAL_TRANSFORM_MB
    if invoke.max_payload is not None:
        found = megabytes(invoke.max_payload)
        if found is None or found > LARGEST_TRANSFORM_MB:
            text = (
                f"is {invoke.max_payload} bytes: SageMaker takes whole megabytes up to 100, as in "
                "6MB, and 0 for no limit"
            )
            yield Complaint(where, text)
            return
        size = found
    concurrent = invoke.max_concurrent_transforms or 1
    if size * concurrent > LARGEST_TRANSFORM_MB:
        text = (
            f"is {concurrent}, times `invoke.max_payload` of {size}MB makes {size * concurrent}MB: "
            "SageMaker takes 100MB on an instance; lower one of them"
        )
        yield Complaint(("invoke", "max_concurrent_transforms"), text)


def _formats(document: PipelineDocument) -> Iterator[Complaint]:
    found = media_type(document.invoke.content_type or "")
    if any(each in found for each in _SPLIT_ELSEWHERE):
        text = (
            f"is {found}: SageMaker could split such files, but Penstock could not tell their "
            "records; convert them to CSV, JSON Lines or text"
        )
        yield Complaint(("invoke", "content_type"), text)


def _by_line(document: PipelineDocument) -> Iterator[Complaint]:
    """Where SageMaker itself tells the records of a chunk apart."""
    key = _line_key(document)
    if key is None:
        return
    where = ("invoke", key)
    sent = _content_type(document)
    if document.input.header == "send":
        text = "has SageMaker take each line for a record, also a header; set `input.header`: true"
        yield Complaint(where, text)
    if sent == "application/json":
        text = "has SageMaker take each line for a record: set `invoke.content_type` to JSON Lines"
        yield Complaint(where, text)
    if key == "strategy":
        return
    if sent is not None and sent not in _PROCESSED_TYPES:
        text = f"is for text/csv and application/jsonlines, and the records are sent as {sent}"
        yield Complaint(where, text)
    accept = media_type(document.invoke.accept or "")
    if accept and sent and accept != sent:
        text = f"needs answers like the requests, and `invoke.accept` is {accept}, not {sent}"
        yield Complaint(where, text)


def _line_key(document: PipelineDocument) -> str | None:
    """The key for which SageMaker has to split by lines."""
    invoke = document.invoke
    for key in _PROCESSING:
        if getattr(invoke, key) not in (None, "none"):
            return key
    return "strategy" if invoke.strategy else None


def _content_type(document: PipelineDocument) -> str | None:
    """That of the requests; None if each file's name decides."""
    given, fmt = document.invoke.content_type, document.input.format
    if given:
        return media_type(given)
    return CONTENT_TYPES[fmt] if fmt else None
