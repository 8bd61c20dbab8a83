"""Rules for the functions: how they are fed, what they are told, where they log."""

import re

import pytest

from docs.generate_template_docs import ROOT, as_list
from penstock.settings import Settings
from tests.template.model import Template, target

QUEUE_FED = {
    "AcceptUploadFunction": "UploadQueue",
    "SplitInputFunction": "SplitQueue",
    "InvokeModelFunction": "InvokeQueue",
    "StartTransformFunction": "TransformQueue",
    "CollectResultFunction": "ResultQueue",
    "AssembleOutputFunction": "AssembleQueue",
}
FUNCTIONS = [*QUEUE_FED, "SweepJobsFunction", "HandleDeadLetterFunction"]
WITHOUT_QUEUE = {"TABLE", "WORK_BUCKET", "RETENTION"}
EVERYWHERE = WITHOUT_QUEUE | {"QUEUE_URL"}
ENVIRONMENT = {
    "AcceptUploadFunction": EVERYWHERE
    | {"SPLIT_QUEUE_URL", "ASSEMBLE_QUEUE_URL", "FAILURE_TOPIC", "EVENT_BUS"}
    | {"DEFAULT_PIPELINE", "REGION_BYTES", "INPUT_BUCKET", "OUTPUT_BUCKET", "ENDPOINT_NAMES"}
    | {"MODEL_NAMES"},
    "SplitInputFunction": EVERYWHERE
    | {"SPLIT_QUEUE_URL", "INVOKE_QUEUE_URL", "ASSEMBLE_QUEUE_URL"},
    "InvokeModelFunction": EVERYWHERE
    | {"INVOKE_QUEUE_URL", "ASSEMBLE_QUEUE_URL", "ENDPOINT_CONCURRENCY"}
    | {"TRANSFORM_QUEUE_URL", "TRANSFORM_WINDOW"},
    "StartTransformFunction": EVERYWHERE
    | {"INVOKE_QUEUE_URL", "TRANSFORM_QUEUE_URL", "RESULT_QUEUE_URL", "TRANSFORM_WINDOW"},
    "CollectResultFunction": EVERYWHERE
    | {"INVOKE_QUEUE_URL", "ASSEMBLE_QUEUE_URL", "ENDPOINT_CONCURRENCY", "RESULT_QUEUE_URL"},
    "AssembleOutputFunction": EVERYWHERE
    | {"OUTPUT_BUCKET", "SUCCESS_TOPIC", "FAILURE_TOPIC", "EVENT_BUS", "ENDPOINT_CONCURRENCY"},
    "SweepJobsFunction": WITHOUT_QUEUE
    | {"SPLIT_QUEUE_URL", "INVOKE_QUEUE_URL", "ASSEMBLE_QUEUE_URL", "SWEEP_GRACE"}
    | {"OUTPUT_BUCKET", "TRANSFORM_QUEUE_URL", "RESULT_QUEUE_URL"}
    | {"ENDPOINT_CONCURRENCY"},
    "HandleDeadLetterFunction": WITHOUT_QUEUE
    | {"INVOKE_QUEUE_URL", "ASSEMBLE_QUEUE_URL", "ENDPOINT_CONCURRENCY"},
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
ENDPOINT_URLS = {
    "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": {"InvokeModelFunction"},
    "AWS_ENDPOINT_URL_SAGEMAKER": {
        "AcceptUploadFunction",
        "StartTransformFunction",
        "SweepJobsFunction",
    },
}
BOUNDED_LOOPS = {
    "SplitInputFunction": "a region comes twice: for its scan, then for its chunks",
}


def test_the_functions_are_those_of_the_design(template: Template):
    assert set(template.functions) == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_code_of_a_function_lies_under_its_own_name(template: Template, function: str):
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", function.removesuffix("Function")).lower()

    assert template.functions[function]["CodeUri"] == f"functions/{name}"
    assert template.functions[function]["Handler"] == "app.lambda_handler"
    assert (ROOT / "functions" / name / "app.py").is_file()


@pytest.mark.parametrize(("function", "queue"), QUEUE_FED.items())
def test_a_function_is_fed_by_its_queue_only_and_reports_failures_one_by_one(
    template: Template, function: str, queue: str
):
    (event,) = template.functions[function]["Events"].values()

    assert event["Type"] == "SQS"
    assert template.source_queues(function) == [queue]
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # More than ten would need a batching window, and thus a wait.
    assert 1 <= event["Properties"]["BatchSize"] <= 10


def test_the_sweep_runs_every_minute(template: Template):
    (event,) = template.functions["SweepJobsFunction"]["Events"].values()

    assert event == {"Type": "Schedule", "Properties": {"Schedule": "rate(1 minute)"}}


@pytest.mark.parametrize("function", QUEUE_FED)
def test_a_function_cannot_take_all_of_the_accounts_concurrency(template: Template, function: str):
    (event,) = template.functions[function]["Events"].values()

    limit = template.parameters[event["Properties"]["ScalingConfig"]["MaximumConcurrency"]["Ref"]]

    assert (limit["MinValue"], limit["MaxValue"]) == (2, 1000)  # what Lambda takes
    assert limit["Default"] <= 50


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_ends_within_lambdas_fifteen_minutes(template: Template, function: str):
    assert 0 < template.functions[function]["Timeout"] < 900


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_log_group_of_its_own_that_forgets(template: Template, function: str):
    logging = template.functions[function]["LoggingConfig"]

    group = target(logging["LogGroup"])

    assert group == function.replace("Function", "LogGroup")
    assert template.properties(group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert logging["LogFormat"] == "JSON"
    assert logging["ApplicationLogLevel"] == {"Ref": "LogLevel"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_traced_and_has_both_layers(template: Template, function: str):
    assert template.functions[function]["Tracing"] == "Active"
    layers = [target(layer) for layer in template.functions[function]["Layers"]]
    assert layers == ["DependenciesLayer", "PenstockLayer"]


def test_layers_are_built_for_the_functions_runtime_and_processor(template: Template):
    layers = template.of_type("AWS::Serverless::LayerVersion")

    assert set(layers) == {"DependenciesLayer", "PenstockLayer"}
    for name in layers:
        assert template.resources[name]["Metadata"] == {
            "BuildMethod": {"Ref": "PythonRuntime"},
            "BuildArchitecture": {"Ref": "Architecture"},
        }


@pytest.mark.parametrize(("function", "names"), ENVIRONMENT.items())
def test_a_function_is_told_what_it_needs_and_no_more(
    template: Template, function: str, names: set[str]
):
    own = set(template.environment(function)) - POWERTOOLS - set(ENDPOINT_URLS)

    assert own == names


def test_every_variable_is_a_setting(template: Template):
    settings = {name.upper() for name in Settings.__dataclass_fields__}

    for function in template.functions:
        unknown = set(template.environment(function)) - POWERTOOLS - set(ENDPOINT_URLS) - settings
        assert not unknown, function


@pytest.mark.parametrize("function", FUNCTIONS)
def test_settings_read_the_environment_of_a_function(template: Template, function: str):
    given = template.given(EndpointName="digits")
    environment = {
        name: str(template.resolve(value, given))
        for name, value in template.environment(function).items()
    }

    settings = Settings.of(environment)

    assert settings.retention == 90 * 86400
    assert settings.region_bytes == 32 * 1024**2


@pytest.mark.parametrize(("function", "queue"), QUEUE_FED.items())
def test_a_function_is_told_of_its_own_queue(template: Template, function: str, queue: str):
    assert target(template.environment(function)["QUEUE_URL"]) == queue


@pytest.mark.parametrize(("variable", "functions"), ENDPOINT_URLS.items())
def test_only_functions_that_call_sagemaker_are_told_of_another_one(
    template: Template, variable: str, functions: set[str]
):
    told = {name for name in template.functions if variable in template.environment(name)}

    assert told == functions
    for name in told:
        assert template.environment(name)[variable] == {
            "Fn::If": [
                "HasSageMakerRuntimeEndpointUrl",
                {"Ref": "SageMakerRuntimeEndpointUrl"},
                {"Ref": "AWS::NoValue"},
            ]
        }


def test_functions_in_an_unbounded_loop_are_not_dropped_at_the_sixteenth_hop(template: Template):
    allowed = {
        name
        for name, function in template.functions.items()
        if function.get("RecursiveLoop") == "Allow"
    }

    assert allowed | set(BOUNDED_LOOPS) == looping(template)
    assert not allowed & set(BOUNDED_LOOPS)


def looping(template: Template) -> set[str]:
    """The functions that a message of their own may come back to."""
    feeds = {name: fed_by(template, name) for name in template.functions}
    return {name for name in feeds if name in reachable(feeds, name)}


def fed_by(template: Template, function: str) -> set[str]:
    queues = {
        target(resource)
        for statement in template.statements(function)
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }
    actions = {a for each in template.statements(function) for a in as_list(each["Action"])}
    if "sagemaker:InvokeEndpointAsync" in actions:
        queues |= {
            target(subscription["Endpoint"])
            for subscription in template.of_type("AWS::SNS::Subscription").values()
        }
    return {name for name in template.functions if queues & set(template.source_queues(name))}


def reachable(feeds: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = set(feeds[start])
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= feeds[name] - found
    return found
