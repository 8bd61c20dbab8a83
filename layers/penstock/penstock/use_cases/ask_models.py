"""Records of several models in one chunk: each model is asked for its own, the order stays."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from penstock.domain.chunk import Outcome
from penstock.domain.errors import PermanentError
from penstock.domain.invoke import CALLS_WITHIN
from penstock.domain.mixed_results import MIXED, Refusal, Result, from_lines, to_lines
from penstock.domain.model_names import CsvField, JsonField, ModelField, cells_of, column_of, named
from penstock.domain.payload import Payload, build_payload
from penstock.domain.trouble import MORE_MODELS, InvocationError, Kind, Trouble
from penstock.ports import ObjectRef
from penstock.use_cases.ask_model import FOLDER, AskModel
from penstock.use_cases.prepare_chunk import Prepared

_NO_SUCH_MODEL = re.compile(
    r"download model data|no such (?:key|model)|model\b.*\b(?:not found|not exist)",
    re.IGNORECASE | re.DOTALL,
)
"""In the words of a ValidationError, or of a container: the model is missing, not the endpoint."""


@dataclass(frozen=True, slots=True)
class Share:
    """The records of a chunk that are for one model: their positions, and what is sent of them."""

    model: str
    positions: list[int]
    records: list[bytes]


@dataclass(frozen=True, slots=True)
class AskModels:
    """As AskModel, once for each model. Answers that are there are not asked for again."""

    ask: AskModel

    def __call__(self, prepared: Prepared) -> Outcome:
        """Raises InvocationError if not all models could be asked: what was answered is kept."""
        field = _field_of(prepared)
        results: list[Result | None] = [None] * len(prepared.records)
        shares = list(_shares(prepared, field, results))
        for share, answers in self._answers(prepared, field, shares):
            for position, answer in zip(share.positions, answers, strict=True):
                results[position] = answer
        lines = to_lines(each for each in results if each is not None)  # an answer may be empty
        location = self.ask.keep(prepared, lines, MIXED)
        return self.ask.accept.outcome(prepared.inference_id, location, MIXED)

    def _answers(
        self, prepared: Prepared, field: ModelField, shares: list[Share]
    ) -> Iterator[tuple[Share, list[Result]]]:
        known = self._known(prepared)
        trouble = self._ask_for(prepared, field, [s for s in shares if s.model not in known], known)
        if trouble:
            self._remember(prepared, known)
            raise trouble
        return ((share, known[share.model]) for share in shares)

    def _ask_for(
        self,
        prepared: Prepared,
        field: ModelField,
        shares: list[Share],
        known: dict[str, list[Result]],
    ) -> InvocationError | None:
        """Adds to what is known. A model that is being loaded doesn't keep the others waiting."""
        until, trouble = self.ask.now() + CALLS_WITHIN, None
        for share in shares:
            if self.ask.now() >= until:
                return trouble or _time_is_up(len(known))
            try:
                known[share.model] = self._ask_one(prepared, field, share)
            except InvocationError as error:
                trouble = error
                if error.trouble.code != "ModelNotReadyException":
                    return trouble
        return trouble

    def _ask_one(self, prepared: Prepared, field: ModelField, share: Share) -> list[Result]:
        target = replace(prepared.job.pipeline.invoke.target, model=share.model)
        try:
            _, results = self.ask.ask(prepared, _payload(prepared, field, share), target)
        except InvocationError as error:
            if not _is_missing(error.trouble):
                raise
            message = f"model {share.model}: {error.message}"
            return [Refusal("ModelNotFound", message)] * len(share.records)
        return list(results)

    def _known(self, prepared: Prepared) -> dict[str, list[Result]]:
        """What earlier attempts of the chunk have found out."""
        if not prepared.chunk.was_sent:
            return {}
        try:
            body = self.ask.objects.read(ObjectRef(self.ask.work_bucket, _notes_key(prepared)))
        except PermanentError as error:
            if error.code != "ObjectNotFound":
                raise
            return {}
        return {name: from_lines(text.encode()) for name, text in json.loads(body).items()}

    def _remember(self, prepared: Prepared, known: dict[str, list[Result]]) -> None:
        notes = {name: to_lines(results).decode() for name, results in known.items()}
        body = json.dumps(notes).encode()
        key = _notes_key(prepared)
        self.ask.objects.put(self.ask.work_bucket, key, body, "application/json")


def _notes_key(prepared: Prepared) -> str:
    return f"{FOLDER}/{prepared.job.job_id}/{prepared.chunk.path}/answered.json"


def _is_missing(trouble: Trouble) -> bool:
    return trouble.kind is Kind.PERMANENT and _NO_SUCH_MODEL.search(trouble.message) is not None


def _time_is_up(known: int) -> InvocationError:
    message = f"{known} models have answered in {CALLS_WITHIN:g} seconds; the others are asked next"
    return InvocationError(Trouble(Kind.UNAVAILABLE, MORE_MODELS, message))


def _field_of(prepared: Prepared) -> ModelField:
    """Raises InvocationError: the header has no such column, for this chunk as for any other."""
    given, job = prepared.job.pipeline.input, prepared.job
    assert given.model_field is not None  # noqa: S101  or no record could name its model
    if job.pipeline.format_of(job.source.key) == "jsonl":
        return JsonField(str(given.model_field), given.send_model_field)
    try:
        columns = cells_of(prepared.header, given.delimiter) if prepared.header else []
        column = column_of(given.model_field, columns)
    except PermanentError as error:
        raise InvocationError(Trouble(Kind.PERMANENT, error.code, error.message)) from error
    return CsvField(column, given.delimiter, given.send_model_field)


def _shares(prepared: Prepared, field: ModelField, results: list[Result | None]) -> Iterator[Share]:
    """In the order of their first records. Records that name no model get their errors."""
    template = prepared.job.pipeline.invoke.target.model or ""
    shares: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for position, record in enumerate(prepared.records):
        try:
            name, sent = field.take(record)
            shares[named(template, name)].append((position, sent))
        except PermanentError as error:
            results[position] = Refusal(error.code, error.message)
    for model, members in shares.items():
        yield Share(model, [at for at, _ in members], [sent for _, sent in members])


def _payload(prepared: Prepared, field: ModelField, share: Share) -> Payload:
    header = prepared.sent_header
    return build_payload(
        prepared.content_type, share.records, field.without(header) if header else None
    )
