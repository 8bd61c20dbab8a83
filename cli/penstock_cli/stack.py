"""What a command needs to know of a stack: names from its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock_cli.errors import WrongUsageError

_OUTPUTS = {
    "input_bucket": "InputBucketName",
    "output_bucket": "OutputBucketName",
    "table": "TableName",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """One deployment of Penstock."""

    name: str
    input_bucket: str
    output_bucket: str
    table: str

    @classmethod
    def of(cls, name: str, outputs: Mapping[str, str]) -> "Stack":
        """From the outputs of the CloudFormation stack.

        Raises:
            WrongUsageError: an output is missing; it isn't a stack of ours.
        """
        missing = [output for output in _OUTPUTS.values() if not outputs.get(output)]
        if missing:
            message = (
                f"stack {name} has no output {', '.join(missing)}: "
                "name a stack that was deployed from Penstock's template"
            )
            raise WrongUsageError("ForeignStack", message)
        return cls(name, **{field: outputs[output] for field, output in _OUTPUTS.items()})
