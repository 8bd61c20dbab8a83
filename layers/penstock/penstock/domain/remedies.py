"""What the reader of an error can do, where whoever raised it could not know."""

import re

from penstock.domain.errors import PermanentError

_REMEDIES = {
    "ObjectNotFound": "drop the file again",
    "ObjectChanged": "drop the file again",
    "AccessDenied": (
        "let the stack's functions read it (bucket policy, KMS key), then drop the file again"
    ),
    "ObjectTooLarge": "choose smaller chunks",
    "ValidationError": (
        "check `invoke` in the pipeline file; `penstock connect` compares it with the endpoint"
    ),
    "ValidationException": "check `invoke` in the pipeline file",
    "AccessDeniedException": (
        "the stack may call its EndpointName and what EndpointNamePattern matches, and run models "
        "that ModelNamePattern matches"
    ),
}

_IN_WORDS = [
    (re.compile(words, re.IGNORECASE | re.DOTALL), remedy)
    for words, remedy in (
        (r"has an AsyncInferenceConfig", "set `invoke.mode: async`"),
        (r"has no AsyncInferenceConfig", "set `invoke.mode: realtime`"),
        (r"missing a target model", "add `invoke.target_model`"),
        (r"not a multi-model endpoint", "remove `invoke.target_model`"),
        (r"target model|model data", "mend `invoke.target_model`, or upload the model"),
        (r"specify a target container", "add `invoke.target_container`"),
        (r"not support target container", "remove `invoke.target_container`"),
        (r"container hostname", "mend `invoke.target_container`"),
        (r"component name header is required", "add `invoke.inference_component`"),
        (r"component name header is not", "remove `invoke.inference_component`"),
        (r"inference component", "mend `invoke.inference_component`, or create it"),
        (r"variant", "mend `invoke.target_variant`"),
        (r"endpoint .* not found", "mend `invoke.endpoint`, or wait until it is in service"),
    )
]
"""Of a ValidationError, by the first words in it that are known. SageMaker documents none of them:
those that public reports quote, and those of the local SageMaker."""


def advised(code: str, message: str) -> str:
    """The message, and the remedy if it does not say it."""
    remedy = _REMEDIES.get(code)
    if code == "ValidationError":
        remedy = next((known for words, known in _IN_WORDS if words.search(message)), remedy)
    return message if remedy is None or remedy in message else f"{message}; {remedy}"


def with_advice(error: PermanentError) -> PermanentError:
    return PermanentError(error.code, advised(error.code, error.message))
