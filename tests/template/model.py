"""template.yaml as the rules look at it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from docs.generate_template_docs import load_template, statements

Json = dict[str, Any]


@dataclass(frozen=True)
class Template:
    document: Json

    @classmethod
    def load(cls) -> "Template":
        return cls(load_template())

    @cached_property
    def resources(self) -> Json:
        found: Json = self.document["Resources"]
        return found

    @property
    def parameters(self) -> Json:
        found: Json = self.document["Parameters"]
        return found

    def properties(self, name: str) -> Json:
        found: Json = self.resources[name]["Properties"]
        return found

    def of_type(self, resource_type: str) -> dict[str, Json]:
        """Logical id -> properties."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    @cached_property
    def functions(self) -> dict[str, Json]:
        """Logical id -> properties, with those of Globals merged in as SAM does."""
        shared = self.document["Globals"]["Function"]
        own = self.of_type("AWS::Serverless::Function")
        return {name: merged(shared, properties) for name, properties in own.items()}

    def environment(self, function: str) -> Json:
        found: Json = self.functions[function]["Environment"]["Variables"]
        return found

    def source_queues(self, function: str) -> list[str]:
        events = self.functions[function]["Events"].values()
        return [target(event["Properties"]["Queue"]) for event in events if event["Type"] == "SQS"]

    def statements(self, function: str) -> list[Json]:
        return statements(self.resources[target(self.functions[function]["Role"])])

    @property
    def queues(self) -> dict[str, Json]:
        """Those with a dead-letter queue behind them."""
        queues = self.of_type("AWS::SQS::Queue")
        return {name: queue for name, queue in queues.items() if not is_dead_letter(name)}

    @property
    def dead_letter_queues(self) -> dict[str, Json]:
        queues = self.of_type("AWS::SQS::Queue")
        return {name: queue for name, queue in queues.items() if is_dead_letter(name)}

    def given(self, **parameters: Any) -> Mapping[str, str]:
        """What `Ref` of each parameter is in a stack with the defaults and these."""
        defaults = {
            name: parameter["Default"]
            for name, parameter in self.parameters.items()
            if "Default" in parameter
        }
        return {name: str(value) for name, value in (defaults | parameters).items()}

    def resolve(self, value: Any, parameters: Mapping[str, str]) -> Any:
        """A value with parameters and mappings put in."""
        match value:
            case {"Ref": str(name)} if name in parameters:
                return parameters[name]
            case {"Fn::FindInMap": [mapping, key, field]}:
                return self.document["Mappings"][mapping][self.resolve(key, parameters)][field]
            case {"Fn::Sub": str(text)}:
                return substituted(text, parameters)
            case {"Fn::Sub": [str(text), dict(variables)]}:
                extra = {name: self.resolve(each, parameters) for name, each in variables.items()}
                return substituted(text, {**parameters, **extra})
        return value


def merged(shared: Any, own: Any) -> Any:
    if isinstance(shared, dict) and isinstance(own, dict):
        return {
            **shared,
            **{k: merged(shared[k], v) if k in shared else v for k, v in own.items()},
        }
    return own


def substituted(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    assert "${" not in text, f"not substituted: {text}"
    return text


def is_dead_letter(name: str) -> bool:
    return name.endswith("DeadLetterQueue")


def target(reference: Any) -> str:
    """The logical id that a Ref or GetAtt points to."""
    match reference:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [name, *_]}:
            return str(name)
    raise AssertionError(f"no reference: {reference}")


def denies_without_tls(policy: Json) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}
        for statement in policy["PolicyDocument"]["Statement"]
    )


def walk(value: Any) -> Iterator[Json]:
    """Every mapping anywhere in the value."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)
