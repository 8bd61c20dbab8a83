"""What a command needs to know of a stack: names from its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock_cli.errors import WrongUsageError

_OUTPUTS = {
    "input_bucket": "InputBucketName",
    "output_bucket": "OutputBucketName",
    "table": "TableName",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """One deployment of Penstock. `outputs` are all that its template has, by their names there."""

    name: str
    input_bucket: str
    output_bucket: str
    table: str
    outputs: Mapping[str, str] = field(default_factory=dict, compare=False)

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
        names = {name: outputs[output] for name, output in _OUTPUTS.items()}
        return cls(name, **names, outputs=outputs)

    def output(self, name: str) -> str:
        """What only some commands need.

        Raises:
            WrongUsageError: the stack was deployed from an earlier template.
        """
        if not self.outputs.get(name):
            message = f"stack {self.name} has no output {name}: deploy this version's template"
            raise WrongUsageError("OldStack", message)
        return self.outputs[name]
