"""What the fields of `_pipeline.yaml` demand of each other."""

from collections.abc import Iterator

from penstock.domain.invoke import LARGEST_REALTIME, LONGEST_INVOCATION, MODEL_NAME
from penstock.pipeline_document import PipelineDocument
from penstock.pipeline_rules_transform import Complaint, transform_complaints

_ONLY_IN = {
    "queue_timeout": "async",
    "target_model": "realtime",
    "target_variant": "realtime",
    "target_container": "realtime",
    "inference_component": "realtime",
    "transform_from": "auto",
}
_WHY = {
    "queue_timeout": "only there do requests wait in a queue of SageMaker",
    "transform_from": "only there is something to choose",
}
SMALLEST = 1024
_CANNOT_ADDRESS = "an asynchronous request cannot name a part of its endpoint"
_ALONE = (
    ("target_model", "target_container"),
    ("inference_component", "target_model"),
    ("inference_component", "target_container"),
)


def complaints(document: PipelineDocument) -> Iterator[Complaint]:
    """In the order of the document's keys."""
    yield from _misplaced(document)
    yield from _payload(document)
    yield from transform_complaints(document)
    yield from _too_slow(document)
    yield from _exclusive(document)
    yield from _model_name(document)


def _misplaced(document: PipelineDocument) -> Iterator[Complaint]:
    invoke = document.invoke
    for key, mode in _ONLY_IN.items():
        if getattr(invoke, key) is None or key not in invoke.model_fields_set:
            continue
        if invoke.mode not in (mode, "auto"):
            why = _WHY.get(key, _CANNOT_ADDRESS)
            text = f"is for mode: {mode}, and this is {invoke.mode}; {why}"
            yield Complaint(("invoke", key), text)


def _payload(document: PipelineDocument) -> Iterator[Complaint]:
    invoke, where = document.invoke, ("invoke", "max_payload")
    if invoke.max_payload is None:
        return
    if invoke.mode == "async":
        text = (
            "is for mode: realtime and transform, and this is async; elsewhere chunk.max_bytes "
            "decides alone"
        )
        yield Complaint(where, text)
    elif invoke.mode == "realtime" and not SMALLEST <= invoke.max_payload <= LARGEST_REALTIME:
        text = f"is {invoke.max_payload}: with mode: realtime it is between 1KiB and 25MB"
        yield Complaint(where, text)


def _too_slow(document: PipelineDocument) -> Iterator[Complaint]:
    invoke = document.invoke
    longest = LONGEST_INVOCATION[invoke.mode]
    if invoke.timeout and invoke.timeout > longest:
        text = (
            f"is {invoke.timeout:g}s: a {invoke.mode} invocation ends after {longest}s; shorten "
            "it, or use an asynchronous endpoint with mode: async"
        )
        yield Complaint(("invoke", "timeout"), text)


def _exclusive(document: PipelineDocument) -> Iterator[Complaint]:
    for one, other in _ALONE:
        if getattr(document.invoke, one) and getattr(document.invoke, other):
            text = f"cannot stand beside `invoke.{other}`: no endpoint has both; remove one"
            yield Complaint(("invoke", one), text)


def _model_name(document: PipelineDocument) -> Iterator[Complaint]:
    """`{model}` and what it stands for go together."""
    given = document.input
    sources = [name for name in ("key_pattern", "model_field") if getattr(given, name) is not None]
    wanted = MODEL_NAME in (document.invoke.target_model or "")
    if wanted and not sources:
        text = "has {model}; say what it stands for with `input.key_pattern` or `input.model_field`"
        yield Complaint(("invoke", "target_model"), text)
    if sources and not wanted:
        text = 'is of no use without {model} in `invoke.target_model`, as in "{model}.tar.gz"'
        yield Complaint(("input", sources[0]), text)
    if len(sources) > 1:
        text = "cannot stand beside `input.key_pattern`: one of them names the model; remove one"
        yield Complaint(("input", "model_field"), text)
    yield from _column(document)


def _column(document: PipelineDocument) -> Iterator[Complaint]:
    given = document.input
    where = ("input", "model_field")
    if given.model_field is None:
        return
    if given.format == "text":
        yield Complaint(where, "is for csv and jsonl: a text record has no fields; remove it")
    if given.format == "csv" and isinstance(given.model_field, str) and not given.header:
        text = (
            "is a column's name, and header: false; set `input.header`, or give its number from 0"
        )
        yield Complaint(where, text)
    if given.format == "jsonl" and isinstance(given.model_field, int):
        yield Complaint(where, "is a number: JSON records have keys; name one")
