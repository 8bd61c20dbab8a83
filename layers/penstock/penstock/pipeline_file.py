"""Reads `_pipeline.yaml`, or says file, line and remedy.

Anybody who may write to one prefix writes such files: whatever is in them, reading takes little
time and memory, and a message has a bounded length and nothing that a terminal would obey.
"""

import codecs
from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError
from yaml.reader import ReaderError

from penstock.domain.endpoint_names import ANY_ENDPOINT, EndpointNames
from penstock.domain.errors import PermanentError
from penstock.domain.legible import is_whole, legible
from penstock.domain.pipeline import Pipeline
from penstock.pipeline_document import PipelineDocument
from penstock.pipeline_rules import complaints
from penstock.selection import compile_selection

MAXIMUM_FILE = 64 * 1024
"""Bytes of a pipeline file. Real ones have one or two thousand."""

TOO_LONG = f"line 1: the file is longer than {MAXIMUM_FILE} bytes; shorten it"

_DEEPEST = 10
_LONGEST_INTEGER = 64  # bits
_MOST_PROBLEMS = 20
_LONGEST_PROBLEM = 400
_LONGEST_NAME = 80


class InvalidPipelineError(PermanentError):
    """`problems` are sentences, each with its line; `more` are not told."""

    def __init__(self, source: str, problems: Sequence[str], more: int = 0) -> None:
        self.source = source
        told = [legible(problem, _LONGEST_PROBLEM) for problem in problems]
        if more:
            told.append(f"line 1: {more} more problems are not shown; mend these first")
        self.problems = tuple(f"{source}, {problem}" for problem in told)
        super().__init__("InvalidPipeline", "; ".join(self.problems))


def load_pipeline(
    text: str | bytes,
    source: str,
    endpoints: EndpointNames = ANY_ENDPOINT,
    models: EndpointNames = ANY_ENDPOINT,
) -> Pipeline:
    """The pipeline of a file; `source` names it. `endpoints` may be called, `models` run.

    Raises:
        InvalidPipelineError: not YAML, unknown keys, values out of bounds.
    """
    root = _compose(text, source)
    try:
        document = PipelineDocument.model_validate(_Loader("").construct_document(root))
    except ValidationError as error:
        found = error.errors()
        problems = [_problem(root, detail) for detail in found[:_MOST_PROBLEMS]]
        raise InvalidPipelineError(source, problems, len(found) - len(problems)) from error
    except yaml.YAMLError as error:
        raise InvalidPipelineError(source, [_one_line(error)]) from error
    _check_rules(document, root, source)
    if document.invoke.mode == "transform":
        _check_model(document, root, source, models)
    else:
        _check_endpoint(document, root, source, endpoints)
    _check_selection(document, root, source)
    return document.to_domain(source)


class _Loader(yaml.SafeLoader):
    """Plain data only, no aliases: a few lines of them can stand for gigabytes."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.events.AliasEvent):
            raise _error_at(event, "aliases (*name) are not allowed; write the value out")
        if self.depth == _DEEPEST:
            raise _error_at(event, "nested too deeply; no key needs more than two levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode) and not is_whole(node.value):
            shown = legible(node.value, _LONGEST_NAME)
            raise _error_at(node, f"'{shown}' has half a character; write the whole one")
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        # What PyYAML raises over text that is not of its type: `!!bool x`, the 13th month.
        try:
            value = super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            kind = node.tag.rsplit(":", 1)[-1]
            shown = legible(str(node.value), _LONGEST_NAME)
            raise _error_at(node, f"'{shown}' is no {kind}; quote it or mend it") from error
        if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
            # YAML 1.1 writes 1:30 for ninety, and 1:59:59:59 ... for numbers without an end.
            shown = legible(str(node.value), _LONGEST_NAME)
            raise _error_at(node, f"'{shown}' is too large a number; mend it")
        return value


def _error_at(place: Any, problem: str) -> yaml.YAMLError:
    """`place` is a node or an event."""
    return yaml.YAMLError(f"line {place.start_mark.line + 1}: {problem}")


def _compose(text: str | bytes, source: str) -> yaml.MappingNode:
    if len(text) > MAXIMUM_FILE:
        raise InvalidPipelineError(source, [TOO_LONG])
    text = _decoded(text, source)
    try:
        root = _Loader(text).get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"line {line}: the character U+{error.character:04X} is not allowed; remove it"
        raise InvalidPipelineError(source, [problem]) from error
    except yaml.YAMLError as error:
        raise InvalidPipelineError(source, [_one_line(error)]) from error
    if not isinstance(root, yaml.MappingNode):
        problem = "line 1: the file must hold keys such as `invoke:`; see docs/pipelines.md"
        raise InvalidPipelineError(source, [problem])
    _refuse_duplicates(root, source)
    return root


def _decoded(text: str | bytes, source: str) -> str:
    """Files are UTF-8, or UTF-16 with a byte order mark, as YAML has it."""
    if isinstance(text, str):
        return text
    wide = text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return text.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        problem = f"line {line}: byte {error.start} is not UTF-8; save the file as UTF-8"
        raise InvalidPipelineError(source, [problem]) from error


def _refuse_duplicates(node: yaml.Node, source: str) -> None:
    """YAML forbids a key twice in a mapping; PyYAML would keep the last."""
    seen: set[str] = set()
    for key, value in _entries(node):
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problem = f"line {line}: a key must be a word, as in `invoke:`"
            raise InvalidPipelineError(source, [problem])
        if key.value in seen:
            name = legible(key.value, _LONGEST_NAME)
            problem = f"line {line}: `{name}` stands here a second time; remove it"
            raise InvalidPipelineError(source, [problem])
        seen.add(key.value)
        _refuse_duplicates(value, source)


_PLAINER = {
    "but found another document": "a second document begins here; a pipeline file has one",
    "found character '\\t' that cannot start any token": "a tab cannot indent; use spaces",
    "mapping values are not allowed here": "a colon cannot stand here; quote the value",
}


def _one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        problem = getattr(error, "problem", None) or "not YAML"
        problem = _PLAINER.get(problem, problem)
        if problem.startswith("could not determine a constructor for the tag"):
            problem += "; remove the tag"
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    text = " ".join(str(error).split())
    return text if text.startswith("line ") else f"line 1: {text}"


def _problem(root: yaml.MappingNode, detail: Any) -> str:
    location = tuple(detail["loc"])
    name = ".".join(legible(str(part), _LONGEST_NAME) for part in location)
    return f"line {_line_of(root, location)}: {_complaint(f'`{name}`', location, detail)}"


_OF_KEYS = {
    "extra_forbidden": "unknown key {name}; remove it or mend its spelling",
    "invalid_key": "{name} is no key of a pipeline file; remove it",
    "missing": "{name} is missing; add it",
}
_OF_SHAPES = {
    "model_type": "{name} must hold keys; give it some or remove it",
    "tuple_type": "{name} must be a list, as in [ModelError]",
}


_RETIRED = frozenset({"accelerator", "accelerator_type", "elastic_inference"})
_SUCCESSORS = (
    "Elastic Inference is retired and no accelerator can be attached any more; use an endpoint on "
    "Inferentia instances (ml.inf2) or with inference components, and remove {name}"
)


def _complaint(name: str, location: Sequence[int | str], detail: Any) -> str:
    """What is wrong, and the remedy."""
    kind = detail["type"]
    if kind == "extra_forbidden" and str(location[-1]).lower() in _RETIRED:
        return _SUCCESSORS.format(name=name)
    if kind in _OF_KEYS:
        return _OF_KEYS[kind].format(name=name)
    if detail["input"] is None:
        return f"{name} has no value; give it one or remove it"
    if kind in _OF_SHAPES:
        return _OF_SHAPES[kind].format(name=name)
    return f"{name} is {detail['input']!r:.80}{_requirement(location, detail)}"


def _requirement(location: Sequence[int | str], detail: Any) -> str:
    match detail["type"]:
        case "literal_error":
            return f"; it must be {_choices(detail)}"
        case "string_pattern_mismatch":
            return f": {_meaning(location)}"
        case _:
            return f": {detail['msg'].removeprefix('Value error, ')}"


def _choices(detail: Any) -> str:
    """As YAML writes them: `false, true or send`."""
    return str(detail["ctx"]["expected"]).replace("'", "").lower()


def _meaning(location: Sequence[int | str]) -> str:
    """What the model says of a field; a regular expression would say it less well."""
    section = PipelineDocument.model_fields[str(location[0])].annotation
    found = section.model_fields.get(str(location[-1])) if section else None
    return f"it must be: {found.description}" if found else "it has characters that are not allowed"


def _line_of(root: yaml.MappingNode, location: Sequence[int | str]) -> int:
    """The line of the deepest key of the location that is in the file, from 1."""
    node: yaml.Node = root
    line = root.start_mark.line
    for part in location:
        entry = next(
            ((k, v) for k, v in _entries(node) if k.value == str(part)),
            None,
        )
        if entry is None:
            break
        key, node = entry
        line = key.start_mark.line
    return line + 1


def _entries(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _check_rules(document: PipelineDocument, root: yaml.MappingNode, source: str) -> None:
    problems = [
        f"line {_line_of(root, each.location)}: `{'.'.join(each.location)}` {each.text}"
        for each in complaints(document)
    ]
    if problems:
        raise InvalidPipelineError(source, problems)


def _check_endpoint(
    document: PipelineDocument, root: yaml.MappingNode, source: str, endpoints: EndpointNames
) -> None:
    name = document.invoke.endpoint or ""
    if not endpoints.allow(name):
        line = _line_of(root, ("invoke", "endpoint"))
        problem = f"line {line}: `invoke.endpoint` is {name!r}: this stack may call {endpoints}"
        raise InvalidPipelineError(source, [problem])


def _check_model(
    document: PipelineDocument, root: yaml.MappingNode, source: str, models: EndpointNames
) -> None:
    name = document.invoke.model or ""
    if not models.allow(name):
        line = _line_of(root, ("invoke", "model"))
        may = str(models) or "no model; set its parameter ModelNamePattern"
        problem = f"line {line}: `invoke.model` is {name!r}: this stack may run {may}"
        raise InvalidPipelineError(source, [problem])


def _check_selection(document: PipelineDocument, root: yaml.MappingNode, source: str) -> None:
    if document.output.select is None:
        return
    try:
        compile_selection(document.output.select)
    except PermanentError as error:
        line = _line_of(root, ("output", "select"))
        problem = f"line {line}: `output.select` is {' '.join(error.message.split())}"
        raise InvalidPipelineError(source, [problem]) from error
