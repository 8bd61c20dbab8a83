"""What a user can set, and the pipeline that comes of it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate_template_docs import DOCUMENT, TEMPLATE, render
from penstock.domain.pipeline import Pipeline
from penstock.pipeline_file import load_pipeline
from tests.template.model import Template, walk

NUMBERS = {
    "MaxRecordsPerChunk": lambda pipeline: pipeline.chunk.max_records,
    "MaxBytesPerChunk": lambda pipeline: pipeline.chunk.max_bytes,
    "JobDeadlineSeconds": lambda pipeline: pipeline.deadline,
    "MaximumAttempts": lambda pipeline: pipeline.retry.maximum_attempts,
}
PHYSICAL_NAMES = {
    "AlarmName",
    "BucketName",
    "FunctionName",
    "LayerName",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "TableName",
    "TopicName",
}
OUTPUTS = {
    *("InputBucketName", "OutputBucketName", "WorkBucketName", "TableName"),
    *("SuccessTopicArn", "FailureTopicArn", "InferenceSuccessTopicArn", "InferenceErrorTopicArn"),
    *("AsyncOutputPath", "AsyncFailurePath"),
    *("UploadQueueUrl", "SplitQueueUrl", "InvokeQueueUrl", "ResultQueueUrl", "AssembleQueueUrl"),
    *("UploadDeadLetterQueueUrl", "SplitDeadLetterQueueUrl", "InvokeDeadLetterQueueUrl"),
    *("ResultDeadLetterQueueUrl", "AssembleDeadLetterQueueUrl"),
    *("TransformQueueUrl", "TransformDeadLetterQueueUrl", "StartTransformFunctionName"),
    *("AcceptUploadFunctionName", "SplitInputFunctionName", "InvokeModelFunctionName"),
    *("CollectResultFunctionName", "AssembleOutputFunctionName"),
    *("SweepJobsFunctionName", "HandleDeadLetterFunctionName"),
}


def default_pipeline(template: Template, **parameters: Any) -> str:
    given = template.given(**({"EndpointName": "digits"} | parameters))
    value = template.environment("AcceptUploadFunction")["DEFAULT_PIPELINE"]
    text = template.resolve(value, given)
    assert isinstance(text, str)
    return text


def test_only_the_endpoints_name_has_to_be_given(template: Template):
    required = [name for name, each in template.parameters.items() if "Default" not in each]

    assert required == ["EndpointName"]


def test_every_parameter_says_what_it_is_and_where_it_ends(template: Template):
    bounds = [{"AllowedValues"}, {"AllowedPattern"}, {"MinValue", "MaxValue"}]
    for name, parameter in template.parameters.items():
        assert parameter["Type"] in {"String", "Number"}, name
        assert parameter["Description"].endswith("."), name
        assert any(bound <= set(parameter) for bound in bounds), name


def test_every_default_is_within_its_own_bounds(template: Template):
    for name, parameter in template.parameters.items():
        default = parameter.get("Default", "endpoint")
        assert default in parameter.get("AllowedValues", [default]), name
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), str(default)), name
        if parameter["Type"] == "Number" and "MinValue" in parameter:
            assert parameter["MinValue"] <= default <= parameter["MaxValue"], name


def test_every_parameter_is_in_one_group_of_the_deployment_form(template: Template):
    form = template.document["Metadata"]["AWS::CloudFormation::Interface"]

    grouped = [name for group in form["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(template.parameters)


def test_the_default_pipeline_has_the_keys_of_a_pipeline_file(template: Template):
    document = yaml.safe_load(default_pipeline(template))

    assert document == {
        "invoke": {"mode": "async", "endpoint": "digits", "content_type": "", "timeout": ""},
        "input": {"format": "", "header": False},
        "chunk": {"max_records": 1000, "max_bytes": 4194304},
        "retry": {"maximum_attempts": 6},
        "deadline": 21600,
    }


def test_a_stack_with_default_parameters_infers_as_an_empty_pipeline_file_would(
    template: Template,
):
    loaded = load_pipeline(default_pipeline(template), "stack parameters")

    assert loaded == load_pipeline("invoke: {endpoint: digits}", "stack parameters")


@pytest.mark.parametrize(("mode", "usual"), [("async", 900), ("realtime", 60)])
def test_a_mode_has_its_own_timeout_unless_one_is_given(template: Template, mode: str, usual: int):
    assert load(template, InferenceMode=mode).invoke.timeout == usual
    given = load(template, InferenceMode=mode, InvocationTimeoutSeconds="20")
    assert given.invoke.timeout == 20


@pytest.mark.parametrize("header", ["absent", "drop", "send"])
def test_the_words_for_a_header_mean_the_same_in_a_pipeline_file(template: Template, header: str):
    assert load(template, CsvHeader=header).input.header == header


@pytest.mark.parametrize("input_format", ["csv", "jsonl", "text"])
def test_a_format_may_be_given_for_all_files(template: Template, input_format: str):
    assert load(template, InputFormat=input_format).input.format == input_format


def test_a_content_type_with_parameters_arrives_as_it_is(template: Template):
    pattern = template.parameters["ContentType"]["AllowedPattern"]
    given = "text/csv; charset=utf-8; label_size=0 # {x}: 'y'"

    assert re.fullmatch(pattern, given)
    assert load(template, ContentType=given).invoke.content_type == given


@pytest.mark.parametrize("text", ['text/csv; x="y"', "a\\b", "a\nb", "ä"])
def test_a_content_type_that_would_break_the_pipeline_is_refused(template: Template, text: str):
    assert not re.fullmatch(template.parameters["ContentType"]["AllowedPattern"], text)


@pytest.mark.parametrize("bound", ["MinValue", "MaxValue"])
@pytest.mark.parametrize("name", NUMBERS)
def test_the_bounds_of_a_number_are_within_those_of_a_pipeline_file(
    template: Template, name: str, bound: str
):
    value = template.parameters[name][bound]

    assert NUMBERS[name](load(template, **{name: value})) == value


def test_an_endpoint_pattern_is_in_lower_case_as_in_iam(template: Template):
    pattern = template.parameters["EndpointNamePattern"]["AllowedPattern"]

    assert re.fullmatch(pattern, "prod-*")
    assert not re.fullmatch(pattern, "Prod-*")


def test_days_become_seconds(template: Template):
    days = template.parameters["RetentionDays"]["AllowedValues"]

    mapping = template.document["Mappings"]["Retention"]

    # Text, since an environment variable is one.
    assert mapping == {str(day): {"Seconds": str(day * 86400)} for day in days}


def test_two_stacks_can_live_side_by_side(template: Template):
    for name, resource in template.resources.items():
        named = PHYSICAL_NAMES & set(resource.get("Properties", {}))
        assert not named, name


def test_every_parameter_mapping_and_condition_is_used(template: Template):
    text = TEMPLATE.read_text()
    for section in ("Mappings", "Conditions"):
        for name in template.document[section]:
            assert len(re.findall(rf"\b{name}\b", text)) > 1, name
    references = {part["Ref"] for part in walk(template.document) if "Ref" in part}
    for name in template.parameters:
        assert name in references or f"${{{name}}}" in text, name


def test_the_outputs_are_what_the_command_line_and_an_endpoint_need(template: Template):
    assert set(template.document["Outputs"]) == OUTPUTS
    assert all(output["Description"] for output in template.document["Outputs"].values())


def test_the_documented_tables_are_those_of_the_template(template: Template):
    document = DOCUMENT.read_text()

    assert render(document, template.document) == document, (
        "run: python docs/generate_template_docs.py"
    )


def test_cfn_lint_has_no_complaint():
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--regions", "us-east-1", "--", str(TEMPLATE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def load(template: Template, **parameters: Any) -> Pipeline:
    return load_pipeline(default_pipeline(template, **parameters), "stack parameters")
