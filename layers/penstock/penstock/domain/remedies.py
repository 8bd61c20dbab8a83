"""What the reader of an error can do, where whoever raised it could not know."""

from penstock.domain.errors import PermanentError

_REMEDIES = {
    "ObjectNotFound": "drop the file again",
    "ObjectChanged": "drop the file again",
    "AccessDenied": (
        "let the stack's functions read it (bucket policy, KMS key), then drop the file again"
    ),
    "ObjectTooLarge": "choose smaller chunks",
    "ValidationError": "check `invoke` in the pipeline file",
    "ValidationException": "check `invoke` in the pipeline file",
    "AccessDeniedException": (
        "the stack may call its EndpointName and what EndpointNamePattern matches, and run models "
        "that ModelNamePattern matches"
    ),
}


def advised(code: str, message: str) -> str:
    """The message, and the remedy if it does not say it."""
    remedy = _REMEDIES.get(code)
    return message if remedy is None or remedy in message else f"{message}; {remedy}"


def with_advice(error: PermanentError) -> PermanentError:
    return PermanentError(error.code, advised(error.code, error.message))
