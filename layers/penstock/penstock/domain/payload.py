"""From records to the body of one invocation."""

from dataclasses import dataclass

from penstock.domain.errors import PermanentError
from penstock.domain.json_text import parse
from penstock.domain.pipeline import Format


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that is refused before the model sees it. `position` counts within its chunk."""

    position: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Payload:
    """`body` holds `sent` records; the model owes one result for each."""

    body: bytes
    sent: int


def find_rejections(fmt: Format, records: list[bytes]) -> list[Rejection]:
    """Records that no model could read, in order. Deterministic: assembly finds the same again."""
    check = _json_fault if fmt == "jsonl" else _text_fault
    if fmt != "jsonl" and _is_utf8(b"\n".join(records)):
        return []
    faults = ((position, check(record)) for position, record in enumerate(records))
    return [Rejection(position, *fault) for position, fault in faults if fault]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _text_fault(record: bytes) -> tuple[str, str] | None:
    try:
        record.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} of the record is not UTF-8; save the file as UTF-8"
        return "InvalidUtf8", message
    return None


def _json_fault(record: bytes) -> tuple[str, str] | None:
    fault = _text_fault(record)
    if fault:
        return fault
    try:
        parse(record.decode())
    except PermanentError as error:
        if error.code == "TooManyValues":
            return "RecordTooLarge", f"the line {error.message}; send smaller records"
        return "InvalidJson", f"the line {error.message}; mend it"
    return None


def check_content_type(fmt: Format, content_type: str) -> None:
    """Refuses records that a request of this type cannot hold.

    Raises:
        PermanentError: `ContentTypeMismatch`.
    """
    if media_type(content_type) == "application/json" and fmt != "jsonl":
        message = (
            f"{fmt} records cannot be sent as {content_type}; "
            "set invoke.content_type to what the file holds, or drop JSON Lines"
        )
        raise PermanentError("ContentTypeMismatch", message)


def without(records: list[bytes], rejections: list[Rejection]) -> list[bytes]:
    """The records that are sent."""
    if not rejections:
        return records
    rejected = {rejection.position for rejection in rejections}
    return [record for position, record in enumerate(records) if position not in rejected]


def build_payload(content_type: str, records: list[bytes], header: bytes | None) -> Payload:
    """One body for all records, in order.

    JSON Lines records go to a model of `application/json` as `{"instances": [...]}`, the request
    format that TensorFlow Serving and KServe share; every other body is the lines themselves.
    """
    if media_type(content_type) == "application/json":
        return Payload(b'{"instances":[' + b",".join(records) + b"]}", len(records))
    lines = records if header is None else [header, *records]
    return Payload(b"\n".join(lines) + b"\n", len(records))


def media_type(content_type: str) -> str:
    """`text/csv` of `Text/CSV; charset=utf-8`."""
    return content_type.split(";", 1)[0].strip().lower()
