"""From predictions to a response body, by what the caller accepts."""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus

from .model import Prediction
from .refusals import RefusedError, quote
from .requests import media_type

Renderer = Callable[[Sequence[Prediction], str], str]


def negotiate(accept: str, content_type: str) -> str:
    """The response's media type; like the request's when the caller has no preference.

    Raises:
        RefusedError: 406, none of the accepted types is served.
    """
    for wanted in map(media_type, (accept or "*/*").split(",")):
        if wanted == "*/*":
            return media_type(content_type)
        if wanted in RENDERERS:
            return wanted
    reason = f"cannot answer as {quote(accept)}; accept {', '.join(RENDERERS)}"
    raise RefusedError(HTTPStatus.NOT_ACCEPTABLE, reason)


def render(response_type: str, predictions: Sequence[Prediction], output: str) -> bytes:
    return RENDERERS[response_type](predictions, output).encode()


def _rows(predictions: Sequence[Prediction], output: str) -> str:
    if output == "label":
        return "".join(f"{item.label}\n" for item in predictions)
    return "".join(f"{item.label},{item.probability}\n" for item in predictions)


def _json_lines(predictions: Sequence[Prediction], _: str) -> str:
    return "".join(json.dumps(vars(item)) + "\n" for item in predictions)


def _json(predictions: Sequence[Prediction], _: str) -> str:
    return json.dumps({"predictions": [vars(item) for item in predictions]})


RENDERERS: dict[str, Renderer] = {
    "text/csv": _rows,
    "application/jsonlines": _json_lines,
    "application/x-ndjson": _json_lines,
    "application/json": _json,
    "text/plain": _rows,
}
