"""JMESPath."""

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from penstock.domain.errors import PermanentError
from penstock.domain.results import Select


def compile_selection(expression: str) -> Select:
    """The expression as a function from a document to what it selects.

    Raises:
        PermanentError: `BadSelection`.
    """
    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise PermanentError("BadSelection", f"{expression!r} is not JMESPath: {error}") from error

    def select(document: Any) -> Any:
        try:
            return compiled.search(document)
        except JMESPathError as error:
            raise PermanentError("BadSelection", f"{expression!r}: {error}") from error

    return select
