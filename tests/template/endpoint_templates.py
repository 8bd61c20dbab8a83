"""The templates of examples/endpoints as tests look at them."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from cfnlint.decode.cfn_yaml import load as load_cloudformation

from tests.template.model import substituted

Json = dict[str, Any]
_AWS = 'aws() { if [ "$2" = describe-stacks ]; then echo output; else echo "$@"; fi; }\n'
"""Stands in for the AWS CLI: prints what it was given."""

DIRECTORY = Path(__file__).parents[2] / "examples" / "endpoints"


@dataclass(frozen=True)
class EndpointTemplate:
    kind: str
    document: Json

    @classmethod
    def load(cls, kind: str) -> "EndpointTemplate":
        return cls(kind, dict(load_cloudformation(str(DIRECTORY / f"{kind}.yaml"))))

    @cached_property
    def resources(self) -> dict[str, Json]:
        return dict(self.document["Resources"])

    def of_type(self, resource_type: str) -> dict[str, Json]:
        """Logical id -> properties."""
        return {
            name: each.get("Properties", {})
            for name, each in self.resources.items()
            if each["Type"] == resource_type
        }

    def sagemaker_resources(self) -> Iterator[tuple[str, Json]]:
        """In the order of the file, which is that of their creation."""
        for name, each in self.resources.items():
            if each["Type"].startswith("AWS::SageMaker::"):
                yield name, each

    def statements(self) -> Iterator[Json]:
        for properties in self.of_type("AWS::IAM::Role").values():
            for policy in properties["Policies"]:
                yield from policy["PolicyDocument"]["Statement"]

    def required(self) -> set[str]:
        """Parameters without a default."""
        return {name for name, each in self.document["Parameters"].items() if "Default" not in each}

    def given(self, **parameters: str) -> dict[str, str]:
        """Values of all parameters: these, as far as the template has them, else the defaults."""
        known = self.document["Parameters"]
        defaults = {name: str(each["Default"]) for name, each in known.items() if "Default" in each}
        return defaults | {name: value for name, value in parameters.items() if name in known}

    def resolved(self, value: Any, parameters: Mapping[str, str]) -> Any:
        """With parameters put in; a reference to a resource becomes `@` and its logical id."""
        match value:
            case {"Ref": str(name)}:
                return parameters.get(name, f"@{name}")
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute, parameters)
            case {"Fn::Sub": str(text)}:
                return substituted(text, parameters)
            case dict():
                return {key: self.resolved(each, parameters) for key, each in value.items()}
            case list():
                return [self.resolved(each, parameters) for each in value]
        return value

    def _attribute(self, name: str, attribute: str, parameters: Mapping[str, str]) -> Any:
        if attribute == "Arn":
            return parameters["ROLE"]  # the only resource whose ARN anybody asks for
        named = self.resources[name].get("Properties", {}).get(attribute)
        return self.resolved(named, parameters) if named else f"@{name}"


def kinds() -> list[str]:
    return sorted(path.stem for path in DIRECTORY.glob("*.yaml"))


def commands_of_readme() -> dict[str, set[str]]:
    """Template -> the names of the parameters that its command gives, as a shell expands it."""
    (block,) = re.findall(r"^```sh\n(.*?)^```$", readme(), re.DOTALL | re.MULTILINE)
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(  # noqa: S603  our own README
        [bash, "-euc", _AWS + block], capture_output=True, text=True, check=True
    )
    return {
        Path(words[words.index("--template-file") + 1]).stem: {
            word.split("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]
        }
        for words in (shlex.split(line) for line in done.stdout.splitlines())
    }


def readme() -> str:
    return (DIRECTORY / "README.md").read_text(encoding="utf-8")


def rows_of_readme() -> set[str]:
    """The templates that the table of the README has."""
    rows = [line for line in readme().splitlines() if line.startswith("| `")]
    return {yaml.safe_load(row.split("`")[1]).removesuffix(".yaml") for row in rows}
