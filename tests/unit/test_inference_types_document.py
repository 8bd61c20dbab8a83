"""docs/inference-types.md says what is so."""

import re
from pathlib import Path

import pytest

from examples.inference_types import EXAMPLES
from penstock.pipeline_file import InvalidPipelineError, load_pipeline

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "inference-types.md").read_text(encoding="utf-8")
GOOD = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
BAD = re.findall(r"^```yaml bad\n(.*?)^```\n+```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", GOOD)
def test_a_pipeline_of_the_page_is_valid(text: str):
    load_pipeline(text, "a file")


@pytest.mark.parametrize(("text", "messages"), BAD)
def test_a_mistake_of_the_page_has_the_message_of_the_page(text: str, messages: str):
    with pytest.raises(InvalidPipelineError) as raised:
        load_pipeline(text, "reviews/_pipeline.yaml")

    assert list(raised.value.problems) == messages.splitlines()


def test_the_page_has_a_pipeline_for_each_type():
    assert len(GOOD) >= 9
    assert len(BAD) == 1


def test_the_page_links_each_template_from_the_section_of_its_type():
    sections = PAGE.split("\n## ")
    found = {
        name: section.split("\n")[0]
        for section in sections
        for name in re.findall(r"^Template: \[`([\w-]+)\.yaml`\]", section, re.MULTILINE)
    }

    assert set(found) == {path.stem for path in (ROOT / "examples" / "endpoints").glob("*.yaml")}
    assert len(set(found.values())) == len(found)


def test_no_section_of_the_page_is_there_twice():
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)

    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_pipeline_of_an_example_is_valid(example):
    invoke = load_pipeline(example.pipeline, "a file").invoke
    named = invoke.transform.model if invoke.transform else invoke.endpoint
    assert named.startswith("types-")


def test_every_example_is_in_the_list_of_examples():
    page = (ROOT / "examples" / "inference_types" / "README.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| \[`(\w+)`\]", page, re.MULTILINE)) == set(EXAMPLES)
