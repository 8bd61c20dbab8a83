"""Which production variant has answered for which records: what an A/B comparison is made of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from penstock.domain.chunk import ChunkState

MOST_RUNS = 1000
"""Runs that a manifest lists, so that it stays readable; its counts are of all."""


@dataclass(frozen=True, slots=True)
class Served:
    """Neighbouring chunks that the same variant has answered; None for those that nobody has."""

    variant: str | None
    chunks: int
    records: int


def served_by(states: Sequence[ChunkState]) -> tuple[Served, ...]:
    """The runs of a segment; none where SageMaker doesn't tell of variants.

    Args:
        states: in order, with message and outcome, none of them bisected.
    """
    each = [
        Served(state.outcome.variant, 1, state.message.records)
        for state in states
        if state.outcome and state.message
    ]
    return tuple(_merged(each)) if any(run.variant for run in each) else ()


def _merged(runs: Iterable[Served]) -> Iterator[Served]:
    for variant, group in groupby(runs, key=lambda run: run.variant):
        same = list(group)
        chunks, records = sum(run.chunks for run in same), sum(run.records for run in same)
        yield Served(variant, chunks, records)


def serving_document(runs: Iterable[Served]) -> dict[str, Any]:
    """The part of a manifest on variants, from the runs of all segments in order.

    Nothing where there are none; a segment without is one that nobody has answered.
    """
    merged = list(_merged(runs))
    if not any(run.variant for run in merged):
        return {}
    counts: dict[str, dict[str, int]] = {}
    for run in merged:
        if run.variant:
            known = counts.setdefault(run.variant, {"chunks": 0, "records": 0})
            known["chunks"] += run.chunks
            known["records"] += run.records
    return {"variants": counts, "served_by": _listed(merged)}


def _listed(runs: list[Served]) -> list[dict[str, Any]]:
    listed, first = [], 0
    for run in runs[:MOST_RUNS]:
        if run.variant:
            listed.append({"variant": run.variant, "first_record": first, "records": run.records})
        first += run.records
    return listed
