"""Writes docs/pipeline.schema.json, which editors check a `_pipeline.yaml` with.

A test compares them; run this when it says that they differ.
"""

import json
from pathlib import Path
from typing import Any

from penstock.pipeline_document import PipelineDocument

SCHEMA = Path(__file__).parent / "pipeline.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render() -> str:
    schema = {"$schema": DIALECT, **_untitled(PipelineDocument.model_json_schema())}
    schema["title"] = PipelineDocument.model_config["title"]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _untitled(node: Any) -> Any:
    """Without the titles that pydantic makes of names: editors would show each name twice."""
    if isinstance(node, list):
        return [_untitled(each) for each in node]
    if not isinstance(node, dict):
        return node
    made_up = isinstance(node.get("title"), str)
    return {k: _untitled(v) for k, v in node.items() if k != "title" or not made_up}


if __name__ == "__main__":
    SCHEMA.write_text(render(), encoding="utf-8")
