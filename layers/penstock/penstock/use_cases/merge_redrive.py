"""From the pieces of a redrive to new versions of the outputs that its records belong to."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from penstock.domain.delivered import LARGEST_MANIFEST, Delivered
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job, Redrive, Tally, final_status
from penstock.domain.manifest import (
    Effort,
    Ending,
    Redriven,
    StoredObject,
    build_merged_manifest,
    merged_ending,
)
from penstock.domain.merging import Step, entries_of, merge_steps, merged
from penstock.domain.output_rows import Rows, mismatch, row_finder
from penstock.domain.redrive import lines_of
from penstock.domain.transform_job import TransformJob
from penstock.ports import ObjectStore
from penstock.use_cases.check_redrive import BLOCK, blocks
from penstock.use_cases.compose_object import Piece
from penstock.use_cases.piece_writer import PieceWriter

JSON = "application/json"
JSON_LINES = "application/jsonlines"


@dataclass(frozen=True, slots=True)
class Assembled:
    """What a redrive has made of its records, as entries in `pieces`."""

    tally: Tally
    effort: Effort
    pieces: Sequence[Piece]
    transforms: tuple[TransformJob, ...] = ()


@dataclass(frozen=True, slots=True)
class _Base:
    """The outputs as they are, by their manifest."""

    manifest: StoredObject
    delivered: Delivered


@dataclass(slots=True)
class _Seen:
    """Lines of the old error file, and those of them that were redriven."""

    failed: int = 0
    redriven: int = 0
    succeeded: int = 0


@dataclass(frozen=True, slots=True)
class _Outputs:
    """The new versions, as long as they are written."""

    predictions: PieceWriter
    errors: PieceWriter

    def close(self) -> dict[str, StoredObject]:
        """Unlike an error file, predictions are there even if there are none."""
        writer = self.predictions
        stored = writer.close() or writer.objects.put(
            writer.bucket, writer.key, b"", writer.content_type
        )
        left = self.errors.close()
        return {"predictions": stored} | ({"errors": left} if left else {})

    def abandon(self) -> None:
        self.predictions.abandon()
        self.errors.abandon()


@dataclass(frozen=True, slots=True)
class MergeRedrive:
    """Writes output, error file and manifest, in this order; the manifest commits.

    It is replaced only if it is still the one that the redrive began with, so that nothing is
    merged into what another job has delivered meanwhile. A repetition finds it replaced.
    """

    objects: ObjectStore
    now: Callable[[], float]

    def __call__(self, job: Job, redrive: Redrive, assembled: Assembled) -> Ending:
        """How the job ends.

        Raises:
            PermanentError: `OutputChanged`, `OutputMismatch`, or an old version is gone. What is
                delivered stays as it was.
        """
        base = self._base(redrive)
        if base.delivered.latest_redrive == job.job_id:
            return merged_ending(base.delivered.document, self.now())
        _check_unchanged(base, redrive)
        try:
            ending = self._deliver(job, redrive, base.delivered, assembled)
            self._commit(job, base, ending)
        except PermanentError:
            # Another function of this job may have been first, or another job.
            base = self._base(redrive)
            if base.delivered.latest_redrive == job.job_id:
                return merged_ending(base.delivered.document, self.now())
            _check_unchanged(base, redrive)
            raise
        return ending

    def _commit(self, job: Job, base: _Base, ending: Ending) -> None:
        document = build_merged_manifest(base.delivered.document, job, ending)
        body = json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
        self.objects.replace(base.manifest, body, JSON)

    def _base(self, redrive: Redrive) -> _Base:
        place = redrive.manifest
        manifest, body = self.objects.newest(place.bucket, place.key, limit=LARGEST_MANIFEST)
        return _Base(manifest, Delivered.parse(body, place.key))

    def _deliver(
        self, job: Job, redrive: Redrive, delivered: Delivered, assembled: Assembled
    ) -> Ending:
        outputs = self._outputs(redrive, job.pipeline.accept_of(job.source.key))
        try:
            seen = self._merge(redrive, delivered, assembled.pieces, outputs)
            _check_counts(seen, delivered, assembled.tally)
            _check_unchanged(self._base(redrive), redrive)
            stored = outputs.close()
        except BaseException:
            # Whatever went wrong, also a bug: parts that nobody completes cost money for ever.
            outputs.abandon()
            raise
        tally = _tally(seen, delivered, assembled)
        status, failure = final_status(job, tally)
        ending = Ending(status, failure, tally, assembled.effort, self.now(), stored)
        redriven = Redriven(seen.redriven, seen.succeeded)
        return replace(
            ending,
            lines=outputs.predictions.lines,
            redriven=redriven,
            transform_jobs=assembled.transforms,
        )

    def _outputs(self, redrive: Redrive, accept: str) -> _Outputs:
        places = ((redrive.predictions, accept), (redrive.errors, JSON_LINES))
        return _Outputs(
            *(
                PieceWriter(self.objects, old.bucket, old.key, content_type)
                for old, content_type in places
            )
        )

    def _merge(
        self, redrive: Redrive, delivered: Delivered, pieces: Sequence[Piece], outputs: _Outputs
    ) -> _Seen:
        seen, style = _Seen(), delivered.style
        failed = lines_of(blocks(self.objects, redrive.errors))
        steps = merge_steps(failed, entries_of(self._pieces(pieces)))
        find = row_finder(style, one_line_each=delivered.lines == delivered.rows)
        rows = Rows(blocks(self.objects, redrive.predictions), find)
        noted = _noted(steps, seen, outputs.errors)
        outputs.predictions.write(merged(rows, noted, style, delivered.rows))
        return seen

    def _pieces(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        for piece in pieces:
            yield from self.objects.stream(piece.ref, 0, piece.size, BLOCK)


def _noted(steps: Iterable[Step], seen: _Seen, errors: PieceWriter) -> Iterator[Step]:
    for step in steps:
        seen.failed += 1
        seen.redriven += step.row is not None
        seen.succeeded += step.succeeded
        errors.write([step.error])
        yield step


def _check_counts(seen: _Seen, delivered: Delivered, tally: Tally) -> None:
    """Records in = predictions + error lines, before and after."""
    if seen.failed != delivered.tally.failed:
        expected = delivered.tally.failed
        raise mismatch(f"its error file has {seen.failed} lines where its manifest has {expected}")
    if (seen.redriven, seen.succeeded) != (tally.total, tally.succeeded):
        message = f"{tally} was redriven, {seen} came of it"
        raise PermanentError("ConservationViolated", message)


def _tally(seen: _Seen, delivered: Delivered, assembled: Assembled) -> Tally:
    return Tally(
        succeeded=delivered.tally.succeeded + seen.succeeded,
        failed=delivered.tally.failed - seen.succeeded,
        unfinished=assembled.tally.unfinished,
    )


def _check_unchanged(base: _Base, redrive: Redrive) -> None:
    found = (base.manifest.version_id, base.manifest.etag)
    if found != (redrive.manifest.version_id, redrive.manifest.etag):
        raise _changed(base, redrive)


def _changed(base: _Base, redrive: Redrive) -> PermanentError:
    job_id, key = base.delivered.latest_redrive or base.delivered.job_id, redrive.source.key
    message = (
        f"job {job_id} has delivered {key} meanwhile, and nothing was merged into that; "
        "redrive what failed in it"
    )
    return PermanentError("OutputChanged", message)
