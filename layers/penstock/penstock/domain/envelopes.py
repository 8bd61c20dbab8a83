"""What a queue message wraps."""

import json
from typing import Any

from penstock.domain.errors import PermanentError


def unwrapped(body: str) -> dict[str, Any]:
    """The document in a queue message, delivered raw or in SNS's envelope.

    Raises:
        PermanentError: `BadMessage`.
    """
    try:
        document = json.loads(body)
        if isinstance(document, dict) and document.get("Type") == "Notification":
            document = json.loads(document["Message"])
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError("BadMessage", f"not a document: {error}") from error
    if not isinstance(document, dict):
        raise PermanentError("BadMessage", "not a document: no JSON object")
    return document
