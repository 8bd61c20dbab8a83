"""docs/pipelines.md and docs/pipeline.schema.json say what the code does."""

import json
import re
from typing import Any

import pytest
import yaml

from docs.generate_schema import SCHEMA, render
from penstock.pipeline_file import InvalidPipelineError, load_pipeline

DOCUMENT = SCHEMA.with_name("pipelines.md")
PAGE = DOCUMENT.read_text(encoding="utf-8")
GOOD = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
BAD = re.findall(r"^```yaml bad\n(.*?)^```\n+```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
TABLES = re.findall(r"^\| key \| type \|.*\n\|[- |]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
ROWS = dict(re.findall(r"^\| `(.+?)` \|[^|]*\| (?:`([^`]*)`)?", "".join(TABLES), re.MULTILINE))

MINIMAL = {"invoke": {"endpoint": "churn"}}


def keys_of(schema: dict[str, Any], node: dict[str, Any], prefix: str = "") -> set[str]:
    keys = set()
    for name, value in node["properties"].items():
        section = value.get("$ref")
        if section:
            keys |= keys_of(schema, schema["$defs"][section.rsplit("/", 1)[-1]], f"{name}.")
        else:
            keys.add(prefix + name)
    return keys


def test_the_published_schema_is_that_of_the_code():
    assert SCHEMA.read_text(encoding="utf-8") == render(), "run: python docs/generate_schema.py"


def test_every_key_is_documented_and_no_other():
    schema = json.loads(render())

    assert set(ROWS) == keys_of(schema, schema)


def test_the_documented_defaults_are_those_of_the_code():
    document = {"invoke": dict(MINIMAL["invoke"])}
    for key, default in ROWS.items():
        *section, name = key.split(".")
        if default:
            place = document.setdefault(section[0], {}) if section else document
            place[name] = default if default == "," else yaml.safe_load(default)

    written_out = load_pipeline(yaml.safe_dump(document), "a file")

    assert written_out == load_pipeline(yaml.safe_dump(MINIMAL), "a file")


@pytest.mark.parametrize("text", GOOD)
def test_a_documented_pipeline_file_is_valid(text: str):
    load_pipeline(text, "a file")


@pytest.mark.parametrize(("text", "messages"), BAD)
def test_a_documented_mistake_has_the_documented_message(text: str, messages: str):
    with pytest.raises(InvalidPipelineError) as raised:
        load_pipeline(text, "reviews/_pipeline.yaml")

    assert list(raised.value.problems) == messages.splitlines()


def test_the_document_has_examples_of_both():
    assert len(GOOD) >= 4
    assert len(BAD) >= 3
