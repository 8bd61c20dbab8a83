"""A linear model behind SageMaker's container contract: alone, or many of them in one container.

A row of numbers becomes `FACTOR * sum(row) + OFFSET`. With `SAGEMAKER_MULTI_MODEL=true` the models
come and go through `/models`, and each has a `model.json` with its two numbers. Rows are CSV or
JSON Lines, `{"x": [1, 2]}`.
"""

import json
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from waitress import serve

Answer = tuple[HTTPStatus, bytes]


class BadRowError(Exception):
    """The request is at fault; its text tells where."""


class Linear:
    def __init__(self, factor: float, offset: float) -> None:
        self.factor, self.offset = factor, offset

    @classmethod
    def load(cls, folder: Path) -> "Linear":
        document = json.loads((folder / "model.json").read_text())
        return cls(document["factor"], document["offset"])

    def predict(self, body: bytes) -> bytes:
        rows = enumerate(body.decode().splitlines())
        return "".join(f"{self._predict(number, row):.10g}\n" for number, row in rows).encode()

    def _predict(self, number: int, row: str) -> float:
        try:
            values = json.loads(row)["x"] if row.startswith("{") else row.split(",")
            return self.factor * sum(float(value) for value in values) + self.offset
        except (KeyError, TypeError, ValueError) as error:
            raise BadRowError(f"row {number} is not numbers: {row[:80]}") from error


class Container:
    """The model of the environment, and those that were loaded."""

    def __init__(self, environment: dict[str, str]) -> None:
        numbers = (float(environment.get(name, text)) for name, text in _DEFAULTS.items())
        self.own = Linear(*numbers)
        self.models: dict[str, tuple[str, Linear]] = {}

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        match method, path.strip("/").split("/"):
            case "GET", ["ping"]:
                return HTTPStatus.OK, b""
            case "POST", ["invocations"]:
                return _predicted(self.own, body)
            case "GET", ["models"]:
                listed = [_described(name, url) for name, (url, _) in self.models.items()]
                return HTTPStatus.OK, json.dumps({"models": listed}).encode()
            case "POST", ["models"]:
                return self._load(json.loads(body))
            case _, ["models", name, *rest] if name in self.models:
                return self._of_model(method, name, rest, body)
        return HTTPStatus.NOT_FOUND, b"no such model or path"

    def _load(self, wanted: dict[str, str]) -> Answer:
        name, url = wanted["model_name"], wanted["url"]
        if name in self.models:
            return HTTPStatus.CONFLICT, b"loaded already"
        self.models[name] = url, Linear.load(Path(url))
        return HTTPStatus.OK, b""

    def _of_model(self, method: str, name: str, rest: list[str], body: bytes) -> Answer:
        url, model = self.models[name]
        if method == "POST" and rest == ["invoke"]:
            return _predicted(model, body)
        if method == "DELETE":
            del self.models[name]
        return HTTPStatus.OK, json.dumps(_described(name, url)).encode()


_DEFAULTS = {"FACTOR": "1", "OFFSET": "0"}


def _described(name: str, url: str) -> dict[str, str]:
    return {"modelName": name, "modelUrl": url}


def _predicted(model: Linear, body: bytes) -> Answer:
    try:
        return HTTPStatus.OK, model.predict(body)
    except BadRowError as error:
        return HTTPStatus.BAD_REQUEST, str(error).encode()


def application(container: Container) -> Callable[..., Iterable[bytes]]:
    def respond(request: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        stream: Any = request["wsgi.input"]
        body = stream.read(int(request.get("CONTENT_LENGTH") or 0))
        status, answer = container.answer(request["REQUEST_METHOD"], request["PATH_INFO"], body)
        kind = "text/csv" if status == HTTPStatus.OK else "text/plain"
        headers = [("Content-Type", kind), ("Content-Length", str(len(answer)))]
        start(f"{status.value} {status.phrase}", headers)
        return [answer]

    return respond


def main() -> None:
    host = os.environ.get("SAGEMAKER_BIND_TO_HOST", "127.0.0.1")
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    container = Container(dict(os.environ))
    serve(application(container), host=host, port=port, threads=8, ident=None)
