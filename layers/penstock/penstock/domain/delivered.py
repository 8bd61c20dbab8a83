"""What a job has delivered, read back from its manifest."""

import json
from dataclasses import dataclass
from typing import Any

from penstock.domain.errors import PermanentError
from penstock.domain.job import Source, Tally
from penstock.domain.output_lines import LineStyle, style_of
from penstock.domain.pipeline import Pipeline
from penstock.domain.splitting import Format

LARGEST_MANIFEST = 1024**2
"""Bytes. Real ones have two or three thousand, and as many more for each redrive."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """`document` is the manifest itself.

    `lines` are newlines in the predictions; None if that is not known. Outputs that were not
    written are None.
    """

    document: dict[str, Any]
    job_id: str
    source: Source
    header: tuple[int, int] | None
    tally: Tally
    predictions: Source | None
    errors: Source | None
    lines: int | None
    pipeline: Pipeline

    @classmethod
    def parse(cls, manifest: bytes, name: str) -> "Delivered":
        """`name` is told where it is damaged.

        Raises:
            PermanentError: `DamagedManifest`.
        """
        try:
            return _delivered(json.loads(manifest))
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            message = (
                f"{name} is damaged: somebody else wrote to the output bucket; "
                "get an earlier version of it, or drop the file again"
            )
            raise PermanentError("DamagedManifest", message) from error

    @property
    def latest_redrive(self) -> str | None:
        """The id of the job that merged its records last."""
        redrives = self.document.get("redrives")
        return str(redrives[-1]["job_id"]) if redrives else None

    @property
    def rows(self) -> int:
        """Rows that the predictions have."""
        omitted = self.pipeline.output.on_error == "omit"
        return self.tally.succeeded if omitted else self.tally.total

    @property
    def style(self) -> LineStyle:
        return style_of(self.pipeline, self.source.key)


_COUNTS = ("chunks", "attempts", "retries")
"""Numbers that a redrive adds to."""


def _delivered(document: dict[str, Any]) -> Delivered:
    outputs, records = document["outputs"], document["records"]
    numbers = [*(document[name] for name in _COUNTS), document["cost_estimate"]["usd"]]
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError("a number is none")
    tally = Tally(int(records["succeeded"]), int(records["failed"]))
    if tally.total != records["total"]:
        raise ValueError("records do not add up")
    pipeline = Pipeline.from_json(document["pipeline"])
    Format(pipeline.format_of(document["input"]["key"]))  # ValueError: there is no such
    header = document["input"].get("header")
    return Delivered(
        document=document,
        job_id=str(document["job_id"]),
        source=_source(document["input"]),
        header=(int(header[0]), int(header[1])) if header else None,
        tally=tally,
        predictions=_source(outputs["predictions"]) if "predictions" in outputs else None,
        errors=_source(outputs["errors"]) if "errors" in outputs else None,
        lines=outputs.get("predictions", {}).get("lines"),
        pipeline=pipeline,
    )


def _source(document: dict[str, Any]) -> Source:
    version = document["version_id"]
    return Source(
        bucket=str(document["bucket"]),
        key=str(document["key"]),
        size=int(document["size"]),
        etag=str(document["etag"]),
        version_id=None if version is None else str(version),
    )
