"""A model for tests: it answers each record with a digest of exactly the bytes that it received.

So an output proves which record got which answer. Words in a record make it misbehave:

    poison    400, the request is refused and the record named
    explode   500
    miscount  one line too few
    crash     the process kills itself; with ECHO_STATE_DIR only the first time for each record
    fatal     the process kills itself, each time
"""

import hashlib
import json
import logging
import os
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import waitress

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

DIGEST_LENGTH = 16
JSON_LINES = ("application/jsonlines", "application/x-ndjson")
Reply = tuple[HTTPStatus, str, bytes]


@dataclass(frozen=True)
class Settings:
    host: str = "127.0.0.1"
    port: int = 8080
    delay_seconds: float = 0.0
    state_dir: Path | None = None


def settings_from(environment: dict[str, str]) -> Settings:
    state_dir = environment.get("ECHO_STATE_DIR")
    return Settings(
        host=environment.get("SAGEMAKER_BIND_TO_HOST", "127.0.0.1"),
        port=int(environment.get("SAGEMAKER_BIND_TO_PORT", "8080")),
        delay_seconds=int(environment.get("ECHO_DELAY_MS", "0")) / 1000,
        state_dir=Path(state_dir) if state_dir else None,
    )


@dataclass(frozen=True)
class Application:
    settings: Settings

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        status, content_type, body = self._reply(environ)
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _reply(self, environ: "WSGIEnvironment") -> Reply:
        match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
            case "GET", "/ping":
                return HTTPStatus.OK, "text/plain", b""
            case "POST", "/invocations":
                return self._invocation(environ)
        return _error(HTTPStatus.NOT_FOUND, "only GET /ping and POST /invocations")

    def _invocation(self, environ: "WSGIEnvironment") -> Reply:
        time.sleep(self.settings.delay_seconds)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        records = split_records(body, environ.get("CONTENT_TYPE", ""))
        self._crash_if_told(records)
        return _misbehaviour(records) or _answer(records, environ.get("HTTP_ACCEPT", ""))

    def _crash_if_told(self, records: Sequence[bytes]) -> None:
        for record in records:
            if b"fatal" in record or (b"crash" in record and self._first_time(record)):
                os.kill(os.getpid(), signal.SIGKILL)

    def _first_time(self, record: bytes) -> bool:
        if self.settings.state_dir is None:
            return True
        try:
            (self.settings.state_dir / f"crashed-{digest(record)}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def split_records(body: bytes, content_type: str) -> list[bytes]:
    """Each record without its line terminator, which is a newline with or without a return.

    A CSV record goes on while a quote is open. `text/csv; header=present` (RFC 4180) says that the
    first row is not a record. Under application/octet-stream the whole body is one record.
    """
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip() == "application/octet-stream":
        return [body]
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    if media_type.strip() == "text/csv":
        lines = _joined_quotes(lines)[1 if "header=present" in parameters else 0 :]
    return [line.removesuffix(b"\r") for line in lines]


def digest(record: bytes) -> str:
    return hashlib.sha256(record).hexdigest()[:DIGEST_LENGTH]


def _joined_quotes(lines: Sequence[bytes]) -> list[bytes]:
    rows: list[bytes] = []
    pending: list[bytes] = []
    quote_is_open = False
    for line in lines:
        pending.append(line)
        quote_is_open ^= line.count(b'"') % 2 == 1
        if not quote_is_open:
            rows.append(b"\n".join(pending))
            pending = []
    return [*rows, b"\n".join(pending)] if pending else rows


def _misbehaviour(records: Sequence[bytes]) -> Reply | None:
    for index, record in enumerate(records):
        if b"explode" in record:
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, f"record {index} explodes")
    for index, record in enumerate(records):
        if b"poison" in record:
            return _error(HTTPStatus.BAD_REQUEST, f"record {index} is poison", record=index)
    return None


def _answer(records: Sequence[bytes], accept: str) -> Reply:
    lines = [digest(record) for record in records]
    if any(b"miscount" in record for record in records):
        lines.pop()
    if accept in JSON_LINES:
        text = "".join(json.dumps({"digest": line}) + "\n" for line in lines)
        return HTTPStatus.OK, accept, text.encode()
    content_type = "text/csv" if accept.startswith("text/csv") else "text/plain"
    return HTTPStatus.OK, content_type, "".join(line + "\n" for line in lines).encode()


def _error(status: HTTPStatus, reason: str, **details: int) -> Reply:
    body = json.dumps({"error": status.phrase, "reason": reason, **details}).encode()
    return status, "application/json", body


def _stop(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    settings = settings_from(dict(os.environ))
    if settings.state_dir:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _stop)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is ordinary here
    threads = int(os.environ.get("ECHO_THREADS", "16"))
    waitress.create_server(
        Application(settings), host=settings.host, port=settings.port, threads=threads
    ).run()
