"""Writes the tables of docs/template.md from template.yaml.

A test compares them; run this when it says that they differ.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "template.yaml"
DOCUMENT = ROOT / "docs" / "template.md"

Json = dict[str, Any]


class _Loader(yaml.SafeLoader):
    pass


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> Json:
    """`!GetAtt a.b` as CloudFormation's `{"Fn::GetAtt": ["a", "b"]}`."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{name} of a mapping")
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _short_form)


def load_template(path: Path = TEMPLATE) -> Json:
    template: Json = yaml.load(path.read_text(), _Loader)  # noqa: S506  a SafeLoader
    return template


def statements(role: Json) -> list[Json]:
    """The statements of a role's inline policies."""
    policies = role["Properties"].get("Policies", [])
    return [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def resource_name(resource: Any) -> str:
    """A policy's resource as people read it: `InputBucket/*`, `endpoint/${EndpointName}`."""
    match resource:
        case str(text):
            return text
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text.rsplit("${AWS::AccountId}:", 1)[-1])
        case {"Fn::If": [_, chosen, {"Ref": "AWS::NoValue"}]}:
            return f"{resource_name(chosen)}, if given"
    raise ValueError(f"no words for the resource {resource}")


def permissions(template: Json) -> dict[str, dict[str, set[str]]]:
    """Function -> resource -> actions."""
    table: dict[str, dict[str, set[str]]] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            role = template["Resources"][resource["Properties"]["Role"]["Fn::GetAtt"][0]]
            table[name] = _actions_by_resource(role)
    return table


def _actions_by_resource(role: Json) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for statement in statements(role):
        for resource in as_list(statement["Resource"]):
            found[resource_name(resource)].update(as_list(statement["Action"]))
    return dict(found)


def parameters_table(template: Json) -> Iterator[str]:
    yield "| Parameter | Default | Values | Meaning |"
    yield "|---|---|---|---|"
    for name, parameter in template["Parameters"].items():
        default = _code(parameter["Default"]) if "Default" in parameter else "none: give it"
        description = parameter["Description"].replace("|", r"\|")
        yield f"| `{name}` | {default} | {_values(parameter)} | {description} |"


def _values(parameter: Json) -> str:
    if "AllowedValues" in parameter:
        return ", ".join(_code(value) for value in parameter["AllowedValues"])
    if "MinValue" in parameter:
        return f"{parameter['MinValue']} to {parameter['MaxValue']}"
    return "text"


def _code(value: object) -> str:
    return f"`{value}`" if value != "" else "empty"


def permissions_table(template: Json) -> Iterator[str]:
    yield "| Function | Actions | Resource |"
    yield "|---|---|---|"
    for function, resources in permissions(template).items():
        for resource, actions in resources.items():
            listed = ", ".join(f"`{action}`" for action in sorted(actions))
            yield f"| {function} | {listed} | `{resource}` |"


def outputs_table(template: Json) -> Iterator[str]:
    yield "| Output | Meaning |"
    yield "|---|---|"
    for name, output in template["Outputs"].items():
        yield f"| `{name}` | {output['Description']} |"


SECTIONS = {
    "parameters": parameters_table,
    "permissions": permissions_table,
    "outputs": outputs_table,
}


def render(document: str, template: Mapping[str, Any]) -> str:
    """The document with the lines between each pair of markers written anew."""
    for name, table in SECTIONS.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        before, rest = document.split(begin)
        _, after = rest.split(end)
        lines = "\n".join(table(dict(template)))
        document = f"{before}{begin}\n{lines}\n{end}{after}"
    return document


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text(), load_template()))
