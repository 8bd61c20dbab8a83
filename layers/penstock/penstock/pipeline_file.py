"""Reads `_pipeline.yaml`, or says file, line and remedy."""

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from penstock.domain.errors import PermanentError
from penstock.domain.pipeline import Pipeline
from penstock.pipeline_document import PipelineDocument
from penstock.selection import compile_selection

MAXIMUM_FILE = 64 * 1024
"""Bytes of a pipeline file. Real ones have one or two thousand."""


class InvalidPipelineError(PermanentError):
    """`problems` are sentences, each with its line."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(f"{source}, {problem}" for problem in problems)
        super().__init__("InvalidPipeline", "; ".join(self.problems))


def load_pipeline(text: str | bytes, source: str) -> Pipeline:
    """The pipeline of a file; `source` names it in messages.

    Raises:
        InvalidPipelineError: not YAML, unknown keys, values out of bounds.
    """
    root = _compose(text, source)
    try:
        document = PipelineDocument.model_validate(_Loader("").construct_document(root))
    except ValidationError as error:
        problems = [_problem(root, detail) for detail in error.errors()]
        raise InvalidPipelineError(source, problems) from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidPipelineError(source, [_one_line(error)]) from error
    _check_selection(document, root, source)
    return document.to_domain(source)


class _Loader(yaml.SafeLoader):
    """Plain data only, no aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"line {mark.line + 1}: aliases (*name) are not allowed")
        return super().compose_node(parent, index)


def _compose(text: str | bytes, source: str) -> yaml.MappingNode:
    if len(text) > MAXIMUM_FILE:
        raise InvalidPipelineError(source, [f"line 1: longer than {MAXIMUM_FILE} bytes"])
    try:
        root = _Loader(text).get_single_node()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPipelineError(source, [_one_line(error)]) from error
    if not isinstance(root, yaml.MappingNode):
        problem = "line 1: the file must hold keys such as `invoke:`; see docs/pipelines.md"
        raise InvalidPipelineError(source, [problem])
    _refuse_duplicates(root, source)
    return root


def _refuse_duplicates(node: yaml.Node, source: str) -> None:
    """YAML forbids a key twice in a mapping; PyYAML would keep the last."""
    seen: set[str] = set()
    for key, value in _entries(node):
        if not isinstance(key, yaml.ScalarNode):
            problem = f"line {key.start_mark.line + 1}: a key must be a word"
            raise InvalidPipelineError(source, [problem])
        if key.value in seen:
            problem = f"line {key.start_mark.line + 1}: `{key.value}` stands here a second time"
            raise InvalidPipelineError(source, [problem])
        seen.add(key.value)
        _refuse_duplicates(value, source)


def _one_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "line 1: nested too deeply"
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        problem = getattr(error, "problem", None) or "not YAML"
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    text = " ".join(str(error).split())
    return text if text.startswith("line ") else f"line 1: {text}"


def _problem(root: yaml.MappingNode, detail: Any) -> str:
    location = tuple(part for part in detail["loc"] if not _is_union_tag(part))
    name = ".".join(str(part) for part in location)
    return f"line {_line_of(root, location)}: {_complaint(f'`{name}`', location, detail)}"


def _complaint(name: str, location: Sequence[int | str], detail: Any) -> str:
    """What is wrong, and the remedy."""
    given = f"{name} is {detail['input']!r:.80}"
    match detail["type"]:
        case "extra_forbidden":
            text = f"unknown key {name}; remove it or mend its spelling"
        case "missing":
            text = f"{name} is missing; add it"
        case "model_type":
            text = f"{name} must hold keys; give it some or remove it"
        case "tuple_type":
            text = f"{name} must be a list, as in [ModelError]"
        case "literal_error":
            text = f"{given}; it must be {_choices(detail)}"
        case "string_pattern_mismatch":
            text = f"{given}: {_meaning(location)}"
        case _:
            text = f"{given}: {detail['msg'].removeprefix('Value error, ')}"
    return text


def _choices(detail: Any) -> str:
    """As YAML writes them: `false, true or send`."""
    return str(detail["ctx"]["expected"]).replace("'", "").lower()


def _meaning(location: Sequence[int | str]) -> str:
    """What the model says of a field; a regular expression would say it less well."""
    section = PipelineDocument.model_fields[str(location[0])].annotation
    found = section.model_fields[str(location[-1])] if section else None
    return f"it must be: {found.description}" if found else "it has characters that are not allowed"


def _is_union_tag(part: int | str) -> bool:
    """Pydantic names the branch of a union in the location, as in `literal['send']`."""
    return isinstance(part, str) and (part in {"bool", "str"} or "[" in part)


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


def _check_selection(document: PipelineDocument, root: yaml.MappingNode, source: str) -> None:
    if document.output.select is None:
        return
    try:
        compile_selection(document.output.select)
    except PermanentError as error:
        line = _line_of(root, ("output", "select"))
        problem = f"line {line}: `output.select`: {' '.join(error.message.split())}"
        raise InvalidPipelineError(source, [problem]) from error
