"""The records of settled chunks, with what became of each: what lines of output are made of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from penstock.domain.chunk import ChunkMessage, ChunkState, Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.job import Job
from penstock.domain.locations import parse_location
from penstock.domain.mixed_results import MIXED, Refusal, Result, from_lines
from penstock.domain.output_lines import LineStyle, RecordError, Settled, style_of
from penstock.domain.payload import find_rejections
from penstock.domain.results import Select, check_count, split_results
from penstock.ports import ObjectRef, ObjectStore
from penstock.use_cases.read_records import Located, read_heads, read_located

READ_AHEAD = 4
"""Chunks whose bytes are fetched while another's lines are written."""


@dataclass(frozen=True, slots=True)
class SettledRecords:
    """Reads answers back, and records where they are needed.

    With `quoted`, records that failed come with their bytes, as the error file wants them; if the
    input is gone or locked away, without. Else only a joined output has them read, and an input
    that is locked away raises: the functions, who may read it, will write other lines.
    """

    objects: ObjectStore
    select: Callable[[str], Select]
    quoted: bool = True

    def __call__(self, job: Job, states: Sequence[ChunkState]) -> Iterator[list[Settled]]:
        """Each chunk's records in order, a few chunks fetched ahead.

        Args:
            states: with message and outcome, none of them bisected.
        """
        if len(states) == 1:  # nothing can be fetched ahead
            yield self._settled(job, states[0])
            return
        with ThreadPoolExecutor(READ_AHEAD) as pool:
            for start in range(0, len(states), READ_AHEAD):
                window = states[start : start + READ_AHEAD]
                yield from pool.map(lambda state: self._settled(job, state), window)

    def _settled(self, job: Job, state: ChunkState) -> list[Settled]:
        chunk, outcome = state.message, state.outcome
        assert chunk is not None and outcome is not None  # noqa: S101, PT018  the caller's promise
        if outcome.kind == "errors":
            return list(self._failed(job, chunk, outcome))
        results = self._results(job, outcome)
        if any(isinstance(each, RecordError) for each in results):
            return list(self._with_records(job, chunk, results))
        # Not `state.rejected`: a result that overtook its invocation may have left it unknown.
        if len(results) == chunk.records and job.pipeline.output.join == "none":
            return self._without_records(job, chunk, results)
        return list(self._with_records(job, chunk, results))

    def _results(self, job: Job, outcome: Outcome) -> list[bytes | RecordError]:
        if outcome.location is None:
            return []
        body = self.objects.read(ObjectRef(*parse_location(outcome.location)))
        if outcome.content_type == MIXED:
            return [_told(each, outcome.attempts) for each in from_lines(body)]
        select = job.pipeline.output.select
        content_type = outcome.content_type or job.pipeline.accept_of(job.source.key)
        return [*split_results(body, content_type, self.select(select) if select else None)]

    def _without_records(
        self, job: Job, chunk: ChunkMessage, results: list[bytes | RecordError]
    ) -> list[Settled]:
        indexes: Iterable[int] = range(chunk.first_record, chunk.first_record + chunk.records)
        if job.redrive:
            indexes = [head.index for head in read_heads(self.objects, job, chunk)]
        return [Settled(index, result) for index, result in zip(indexes, results, strict=True)]

    def _with_records(
        self, job: Job, chunk: ChunkMessage, results: list[bytes | RecordError]
    ) -> Iterator[Settled]:
        records = read_located(self.objects, job, chunk)
        fmt = job.pipeline.format_of(job.source.key)
        found = find_rejections(fmt, [each.record for each in records])
        rejections = {rejection.position: rejection for rejection in found}
        check_count(results, len(records) - len(rejections))
        answers = iter(results)
        for position, located in enumerate(records):
            rejection = rejections.get(position)
            error = RecordError(rejection.code, rejection.message, 0) if rejection else None
            yield _settled_record(located, error or next(answers))

    def _failed(self, job: Job, chunk: ChunkMessage, outcome: Outcome) -> Iterator[Settled]:
        error = RecordError(outcome.code or "Unknown", outcome.message or "", outcome.attempts)
        for located in self._located(job, chunk):
            yield _settled_record(located, error)

    def _located(self, job: Job, chunk: ChunkMessage) -> list[Located]:
        # Lines of an error file quote their records.
        quoted = self.quoted and job.redrive is None
        if not quoted and job.pipeline.output.join == "none":
            return read_heads(self.objects, job, chunk)
        try:
            return read_located(self.objects, job, chunk)
        except PermanentError as error:
            if not self.quoted and error.code == "AccessDenied":
                raise
            # The input is gone; its records still get their lines, without being quoted.
            return read_heads(self.objects, job, chunk)


def _told(result: Result, attempts: int) -> bytes | RecordError:
    if isinstance(result, Refusal):
        return RecordError(result.code, result.message, attempts)
    return result


def line_style(job: Job) -> LineStyle:
    """How the lines of the job's output look."""
    return style_of(job.pipeline, job.source.key)


def _settled_record(located: Located, result: bytes | RecordError) -> Settled:
    return Settled(
        index=located.index,
        result=result,
        record=located.record,
        start=located.start,
        end=located.end,
        cut=located.cut,
    )
