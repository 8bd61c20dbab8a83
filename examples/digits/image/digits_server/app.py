"""The container contract as a WSGI application: /ping, /invocations, /execution-parameters."""

import json
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TextIO

from .model import DigitsModel
from .refusals import RefusedError
from .requests import parse
from .responses import negotiate, render
from .settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

# Batch Transform asks; concurrency times payload must stay within 100 MB.
EXECUTION_PARAMETERS = {
    "MaxConcurrentTransforms": 4,
    "BatchStrategy": "MULTI_RECORD",
    "MaxPayloadInMB": 6,
}


@dataclass(frozen=True)
class Reply:
    status: HTTPStatus
    content_type: str = "application/json"
    body: bytes = b""
    records: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Application:
    model: DigitsModel
    settings: Settings
    log: TextIO

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        started = time.perf_counter()
        reply = self._reply(environ)
        self._log(environ, reply, time.perf_counter() - started)
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body)))]
        start_response(f"{reply.status.value} {reply.status.phrase}", headers)
        return [reply.body]

    def _reply(self, environ: "WSGIEnvironment") -> Reply:
        try:
            return self._route(environ)(environ)
        except RefusedError as refused:
            return _refusal(refused)
        except Exception as error:  # noqa: BLE001  whatever happens, the caller gets an answer
            self.log.write(traceback.format_exc())
            return _refusal(RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, repr(error)))

    def _route(self, environ: "WSGIEnvironment") -> "Callable[[WSGIEnvironment], Reply]":
        routes = {
            "/ping": ("GET", self._ping),
            "/invocations": ("POST", self._invocations),
            "/execution-parameters": ("GET", self._execution_parameters),
        }
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path not in routes:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no such path: {path}")
        wanted, handler = routes[path]
        if method != wanted:
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {wanted} only")
        return handler

    def _ping(self, _: "WSGIEnvironment") -> Reply:
        return Reply(HTTPStatus.OK)  # the server starts only once the model has predicted

    def _execution_parameters(self, _: "WSGIEnvironment") -> Reply:
        return Reply(HTTPStatus.OK, body=_json(EXECUTION_PARAMETERS))

    def _invocations(self, environ: "WSGIEnvironment") -> Reply:
        content_type = environ.get("CONTENT_TYPE", "")
        records = parse(content_type, self._body(environ))
        response_type = negotiate(environ.get("HTTP_ACCEPT", ""), content_type)
        body = render(response_type, self.model.predict(records), self.settings.output)
        return Reply(HTTPStatus.OK, response_type, body, records=len(records))

    def _body(self, environ: "WSGIEnvironment") -> bytes:
        # waitress has received the body by now, large ones into a file, and has set its length even
        # if it came in HTTP chunks.
        length = int(environ.get("CONTENT_LENGTH") or 0)
        limit = self.settings.max_request_bytes
        if length > limit:
            reason = f"{length:,} bytes; at most {limit:,} are taken"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
        body: bytes = environ["wsgi.input"].read(length)
        return body

    def _log(self, environ: "WSGIEnvironment", reply: Reply, seconds: float) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "status": reply.status.value,
            "milliseconds": round(seconds * 1000, 1),
            "bytes_in": int(environ.get("CONTENT_LENGTH") or 0),
            "bytes_out": len(reply.body),
            "records": reply.records,
            "reason": reply.reason,
            "custom_attributes": environ.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES"),
        }
        present = {key: value for key, value in line.items() if value is not None}
        self.log.write(json.dumps(present) + "\n")
        self.log.flush()


def _refusal(refused: RefusedError) -> Reply:
    name = refused.status.phrase.lower().replace(" ", "_")
    body = _json({"error": name, "reason": refused.reason, **refused.details})
    return Reply(refused.status, body=body, reason=refused.reason)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
