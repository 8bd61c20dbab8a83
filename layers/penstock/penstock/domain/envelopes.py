"""What a queue message wraps, and its fields.

Anybody may have written it. Whatever is wrong with a message is a PermanentError `BadMessage`, so
that it ends as a dead letter that is logged, and never takes its neighbours along.
"""

import json
from typing import Any, TypeVar

from penstock.domain.errors import PermanentError

T = TypeVar("T")

_NAMES: dict[type, str] = {str: "text", int: "a whole number", dict: "an object"}


def document_of(body: str) -> dict[str, Any]:
    """The JSON object in a queue message.

    Raises:
        PermanentError: `BadMessage`.
    """
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise bad_message("the message is nested too deeply") from error
    except (ValueError, TypeError) as error:
        raise bad_message(f"the message is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise bad_message(f"the message is {type(document).__name__}, not a JSON object")
    return document


def unwrapped(body: str) -> dict[str, Any]:
    """The document in a queue message, delivered raw or in SNS's envelope.

    Raises:
        PermanentError: `BadMessage`.
    """
    document = document_of(body)
    if document.get("Type") != "Notification":
        return document
    return document_of(field(document, "Message", str))


def field(document: dict[str, Any], path: str, kind: type[T]) -> T:
    """The value under a path such as `detail.object.key`.

    Raises:
        PermanentError: `BadMessage`, it is missing or of another type.
    """
    found = optional_field(document, path, kind)
    if found is None:
        raise bad_message(f"`{path}` is missing")
    return found


def optional_field(document: dict[str, Any], path: str, kind: type[T]) -> T | None:
    """The value under a path; None if it is missing or null.

    Raises:
        PermanentError: `BadMessage`, it is of another type.
    """
    found: Any = document
    for name in path.split("."):
        if found is None:
            return None
        if not isinstance(found, dict):
            raise bad_message(f"`{path}` is missing: there is {found!r:.80} instead of an object")
        found = found.get(name)
    # True is an int to Python, and to nobody else.
    if found is None or (isinstance(found, kind) and not isinstance(found, bool)):
        return found
    raise bad_message(f"`{path}` is {found!r:.80}, not {_NAMES[kind]}")


def bad_message(problem: str) -> PermanentError:
    return PermanentError("BadMessage", problem)
