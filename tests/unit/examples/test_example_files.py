"""Facts that the example's files repeat must stay the same in all of them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.digits.image.digits_server.settings import from_environment

ROOT = Path(__file__).parents[3]
IMAGES = [ROOT / "examples" / name / "image" for name in ("digits", "echo")]


def pins(path: Path) -> set[str]:
    return set(re.findall(r"^([\w-]+==[^\s;\\]+)", path.read_text(), flags=re.MULTILINE))


def endpoint_template() -> Any:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: f"{suffix} {node.value}")
    return yaml.load((ROOT / "examples/endpoints/asynchronous.yaml").read_text(), Loader)  # noqa: S506


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.parent.name)
def test_an_image_installs_the_versions_that_are_tested(image):
    assert pins(image / "requirements.txt") <= pins(ROOT / "requirements/dev.txt")


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.parent.name)
def test_serve_can_be_started(image):
    assert (image / "serve").stat().st_mode & 0o111
    assert (image / "serve").read_text().startswith("#!/usr/bin/env python3\n")


def test_the_pipeline_calls_the_endpoint_that_the_template_makes():
    pipeline = yaml.safe_load((ROOT / "examples/digits/_pipeline.yaml").read_text())
    default = endpoint_template()["Parameters"]["EndpointName"]["Default"]
    assert pipeline["invoke"]["endpoint"] == default


def test_a_thread_is_left_to_answer_ping():
    concurrency = endpoint_template()["Parameters"]["ConcurrentInvocationsPerInstance"]["Default"]
    assert concurrency < from_environment({}).threads
