"""Which model of a multi-model endpoint a file or a record is for."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from json import JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in typeshed

from penstock.domain.errors import PermanentError
from penstock.domain.invoke import MODEL_NAME
from penstock.domain.json_text import parse
from penstock.domain.legible import legible
from penstock.domain.object_keys import PIPELINE_FILE
from penstock.domain.pipeline import Pipeline

LONGEST_MODEL_NAME = 1024
"""Characters of TargetModel (API reference, `InvokeEndpoint`)."""

_WILDCARDS = {"**": ".*", "*": "[^/]*", MODEL_NAME: "(?P<model>[^/]+)"}
_PARTS = re.compile(r"(\*\*|\*|\{model\})")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?\Z")


def for_key(pipeline: Pipeline, key: str) -> Pipeline:
    """The pipeline with the model that the file's key names, if it is the key that does.

    Raises:
        PermanentError: `NoModelName`, the key doesn't fit `input.key_pattern`; `BadModelName`.
    """
    pattern, target = pipeline.input.key_pattern, pipeline.invoke.target
    if pattern is None or not target.model_varies:
        return pipeline
    prefix = pipeline.source.removesuffix(PIPELINE_FILE) if PIPELINE_FILE in pipeline.source else ""
    found = re.fullmatch(_regex(pattern), key.removeprefix(prefix), re.DOTALL)
    if found is None:
        message = (
            f"the key {key!r:.200} doesn't fit {prefix}{pattern}, which says where the model's "
            "name stands; rename the file or mend `input.key_pattern`"
        )
        raise PermanentError("NoModelName", message)
    model = named(target.model or "", found["model"])
    return replace(pipeline, invoke=replace(pipeline.invoke, target=replace(target, model=model)))


def _regex(pattern: str) -> str:
    return "".join(_WILDCARDS.get(part) or re.escape(part) for part in _PARTS.split(pattern))


def named(template: str, name: str) -> str:
    """The TargetModel for a name that a key or a record gives.

    Raises:
        PermanentError: `BadModelName`: it is no relative path in printable ASCII.
    """
    model = template.replace(MODEL_NAME, name)
    folders = model.split("/")
    fits = _PRINTABLE.match(model) and len(model) <= LONGEST_MODEL_NAME
    if not fits or ".." in folders or "" in folders:
        message = (
            f"{model!r:.200} can be no name of a model: up to {LONGEST_MODEL_NAME} printable ASCII "
            "characters, a path without `..` and empty parts; mend the name"
        )
        raise PermanentError("BadModelName", message)
    return model


_AS_IT_IS = "surrogateescape"
"""A header may be in any encoding; what is sent of it is in the same."""


def cells_of(row: bytes, delimiter: str) -> list[str]:
    text = io.StringIO(row.decode(errors=_AS_IT_IS), newline="")
    return next(csv.reader(text, delimiter=delimiter), [])


@dataclass(frozen=True, slots=True)
class CsvField:
    """The column that names the model; without `sent`, the model doesn't get it."""

    column: int
    delimiter: str
    sent: bool

    def take(self, record: bytes) -> tuple[str, bytes]:
        """The name and what is sent. PermanentError `NoModelName` for a row that is too short."""
        cells = cells_of(record, self.delimiter)
        if self.column >= len(cells) or not cells[self.column]:
            raise _nameless(f"column {self.column}")
        return cells[self.column], record if self.sent else self._without(cells)

    def without(self, header: bytes) -> bytes:
        """The header of what is sent."""
        if self.sent:
            return header
        return self._without(cells_of(header, self.delimiter))

    def _without(self, cells: list[str]) -> bytes:
        text = io.StringIO(newline="")
        rest = cells[: self.column] + cells[self.column + 1 :]
        # Its line ends are what csv.writer quotes.
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerow(rest)
        return text.getvalue().removesuffix("\r\n").encode(errors=_AS_IT_IS)


@dataclass(frozen=True, slots=True)
class JsonField:
    """The member that names the model; without `sent`, the model doesn't get it."""

    key: str
    sent: bool

    def take(self, record: bytes) -> tuple[str, bytes]:
        """The name and what is sent. PermanentError `NoModelName` where there is none."""
        text = record.decode()
        value = parse(text)
        name = value.get(self.key) if isinstance(value, dict) else None
        if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
            raise _nameless(f"{self.key!r:.80}")
        return str(name), record if self.sent else self._without(text)

    def without(self, header: bytes) -> bytes:
        return header

    def _without(self, text: str) -> bytes:
        """The other members to the letter: a number that is read and written may change."""
        rest = [member for key, member in _members(text) if key != self.key]
        return ("{" + ",".join(rest) + "}").encode()


ModelField = CsvField | JsonField


def column_of(field: str | int, header: list[str] | None) -> int:
    """Raises PermanentError `NoModelColumn`: the header doesn't have the name."""
    if isinstance(field, int):
        return field
    if header is None or field not in header:
        known = legible(", ".join(header or []), 300)
        message = (
            f"the header has no column {field!r:.80}, which `input.model_field` says names the "
            f"model; it has {known or 'none'}"
        )
        raise PermanentError("NoModelColumn", message)
    return header.index(field)


def _nameless(place: str) -> PermanentError:
    return PermanentError("NoModelName", f"the record names no model in {place}; add it")


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Keys and texts `"key": value` of a JSON object that is known to be one."""
    decoder, position = JSONDecoder(), _after_blanks(text, text.index("{") + 1)
    while text[position] != "}":
        start = position
        key, position = scanstring(text, position + 1, True)  # noqa: FBT003  its signature
        position = _after_blanks(text, _after_blanks(text, position) + 1)
        _, position = decoder.raw_decode(text, position)
        yield key, text[start:position]
        position = _after_blanks(text, position)
        if text[position] == ",":
            position = _after_blanks(text, position + 1)


_BLANKS = re.compile(r"[ \t\r\n]*")


def _after_blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    return found.end() if found else position
