"""Which endpoints the stack may call, and which models it may run.

IAM decides; asked beforehand, the user hears of a mistake when the pipeline file is uploaded.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointNames:
    """Names, and patterns as IAM has them: `*` stands for any characters, `?` for one.

    Upper and lower case are the same, as in SageMaker's ARNs. Without patterns all are allowed.
    """

    patterns: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "EndpointNames":
        """Of patterns between spaces."""
        return cls(tuple(text.split()))

    def allow(self, name: str) -> bool:
        return not self.patterns or any(_matches(each, name) for each in self.patterns)

    def __str__(self) -> str:
        return " and ".join(self.patterns)


ANY_ENDPOINT = EndpointNames()


def model_names(text: str) -> EndpointNames:
    """Which models the stack may run, of patterns between spaces; without patterns none."""
    return EndpointNames(tuple(text.split()) or ("",))


def _matches(pattern: str, name: str) -> bool:
    # Many stars in a row would have the expression try all ways to share a name among them.
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(each, re.escape(each)) for each in re.sub(r"\*+", "*", pattern))
    return re.fullmatch(expression, name, re.IGNORECASE | re.DOTALL) is not None
