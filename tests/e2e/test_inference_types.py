"""Each inference type behind the same contract: drop a file, get its predictions in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.inference_types import EXAMPLES
from examples.inference_types.example import Example, create_endpoint, create_model, run
from examples.local_endpoint import delete_endpoint
from penstock.pipeline_file import load_pipeline
from tests.e2e.harness import Stack
from tests.e2e.test_command_line import penstock

ENDPOINT = "realtime-trouble"
PIPELINE = f"invoke: {{mode: realtime, endpoint: {ENDPOINT}}}\nchunk: {{max_records: 10}}\n"
QUICK = "retry: {initial_interval: 100ms, maximum_interval: 500ms}\n"


@pytest.fixture(scope="module", autouse=True)
def _models_and_endpoints(stack: Stack) -> None:
    for example in EXAMPLES.values():
        example.create(stack.document)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_the_example_of_a_type_delivers_what_its_model_says(stack: Stack, example: Example) -> None:
    finished = run(stack.document, example)

    assert finished.lines == example.expected
    assert finished.manifest["status"] == "SUCCEEDED"
    assert finished.manifest["retries"] == 0


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"batch_transform"}))
def test_connect_says_that_the_endpoint_of_an_example_suits_its_pipeline(
    stack: Stack, tmp_path: Path, name: str
) -> None:
    del stack
    pipeline = tmp_path / "_pipeline.yaml"
    pipeline.write_text(EXAMPLES[name].pipeline)
    endpoint = load_pipeline(EXAMPLES[name].pipeline, "it").invoke.endpoint

    done = penstock("connect", endpoint, "--pipeline", pipeline)

    assert (done.returncode, done.stderr) == (0, "it suits\n"), done.stdout


def test_the_manifest_says_which_mode_was_chosen_and_why(stack: Stack) -> None:
    finished = run(stack.document, EXAMPLES["auto"])

    assert finished.manifest["choice"] == {
        "mode": "realtime",
        "reason": "endpoint types-auto is serverless",
    }


def test_a_file_for_an_endpoint_that_there_is_not_fails_at_once(stack: Stack) -> None:
    stack.configure("nobody", "invoke: {mode: auto, endpoint: nobody}\n")

    delivered = stack.run("nobody/numbers.csv", b"1\n")

    assert delivered.manifest["failure"]["code"] == "NoSuchEndpoint"


def test_throttles_of_a_serverless_endpoint_burn_no_attempts(stack: Stack) -> None:
    """One attempt is all that a chunk has here; the endpoint takes two requests at a time."""
    example = EXAMPLES["serverless"]
    stack.configure("serverless-once", example.pipeline + "retry: {maximum_attempts: 1}\n")

    delivered = stack.run("serverless-once/numbers.csv", example.body)

    assert delivered.lines == example.expected
    assert (delivered.manifest["attempts"], delivered.manifest["retries"]) == (10, 0)


def test_the_manifest_counts_what_each_variant_has_answered(stack: Stack) -> None:
    finished = run(stack.document, EXAMPLES["variants"])

    served = finished.manifest["variants"]
    assert set(served) == {"blue", "green"}
    assert sum(each["records"] for each in served.values()) == 1000
    assert served["blue"]["records"] > served["green"]["records"]
    runs = finished.manifest["served_by"]
    assert [each["first_record"] for each in runs] == sorted(each["first_record"] for each in runs)
    assert sum(each["records"] for each in runs) == 1000


def test_a_variant_may_be_named(stack: Stack) -> None:
    pipeline = EXAMPLES["variants"].pipeline + "# all for green\n"
    stack.configure(
        "green", pipeline.replace("types-variants", "types-variants\n  target_variant: green")
    )

    delivered = stack.run("green/numbers.csv", EXAMPLES["variants"].body)

    assert delivered.manifest["variants"] == {"green": {"chunks": 50, "records": 1000}}


def test_models_are_named_by_keys_and_missing_ones_cost_their_own_records(stack: Stack) -> None:
    by_key = EXAMPLES["multi_model"].pipeline.replace(
        "model_field: shop", 'key_pattern: "{model}/*"'
    )
    stack.configure("by-key", by_key)
    stack.configure("by-field", EXAMPLES["multi_model"].pipeline)
    rows = b'{"shop": "oslo", "x": [1]}\n{"shop": "atlantis", "x": [2]}\n{"x": [3]}\n'

    one = stack.run("by-key/oslo/x.jsonl", b'{"x": [1]}\n{"x": [2]}\n')
    several = stack.run("by-field/x.jsonl", rows + b'{"shop": "berlin", "x": [4]}\n')

    assert one.lines == ["101", "102"]
    assert [several.lines[0], several.lines[3]] == ["101", "8"]
    assert [(each["record"], each["error"]) for each in several.errors] == [
        (1, "ModelNotFound"),
        (2, "NoModelName"),
    ]


def test_models_that_are_being_loaded_are_waited_for_and_the_others_not_asked_again(
    stack: Stack,
) -> None:
    stack.configure("loading", EXAMPLES["multi_model"].pipeline + QUICK)
    file = EXAMPLES["multi_model"].file(30)
    loading = {"fault": "model_not_ready", "endpoint": "types-multi-model", "times": 2}

    with stack.faults(loading):
        delivered = stack.run("loading/sales.jsonl", file.body)

    assert delivered.lines == file.expected
    assert (delivered.manifest["attempts"], delivered.manifest["retries"]) == (1, 0)


@pytest.fixture(scope="module")
def endpoint(stack: Stack) -> Iterator[Stack]:
    create_model(stack.document, ENDPOINT, {})
    create_endpoint(stack.document, ENDPOINT, {"ModelName": ENDPOINT})
    yield stack
    delete_endpoint(stack.document, ENDPOINT)


def test_a_record_that_the_model_refuses_in_real_time_costs_only_itself(endpoint: Stack) -> None:
    endpoint.configure("picky", PIPELINE + QUICK)
    rows = [f"{number}" for number in range(200)]
    rows[17], rows[123] = "seventeen", "poison"

    delivered = endpoint.run("picky/numbers.csv", "\n".join(rows).encode())

    assert [(each["record"], each["error"]) for each in delivered.errors] == [
        (17, "ModelError"),
        (123, "ModelError"),
    ]
    assert delivered.errors[0]["message"] == "row 0 is not numbers: seventeen"
    good = [line for line in delivered.lines if not line.startswith('"{')]
    assert good == [row for row in rows if row.isdigit()]


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "throttle", "times": 5},
        {"fault": "model_not_ready", "times": 5},
        {"fault": "internal_failure", "times": 3},
        {"fault": "internal_dependency", "times": 3},
        {"fault": "model_error", "status": 503, "body": "overloaded", "times": 3},
        {"fault": "lost_answer", "times": 2, "seconds": 3},
    ],
    ids=lambda fault: str(fault["fault"]),
)
def test_what_passes_is_tried_again_in_real_time(endpoint: Stack, fault: dict[str, Any]) -> None:
    timeout = PIPELINE.replace(f"{ENDPOINT}}}", f"{ENDPOINT}, timeout: 2s}}")
    endpoint.configure("passing", timeout + QUICK)

    with endpoint.faults({"endpoint": ENDPOINT, **fault}):
        delivered = endpoint.run("passing/numbers.csv", b"".join(b"%d\n" % n for n in range(100)))

    assert delivered.lines == [str(number) for number in range(100)]
    assert delivered.manifest["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("invoke", "says"),
    [
        ("mode: realtime, endpoint: echo", "mode: async"),
        (f"mode: async, endpoint: {ENDPOINT}", "mode: realtime"),
        (f"mode: realtime, endpoint: {ENDPOINT}, target_model: x", "remove `invoke.target_model`"),
        (
            f"mode: realtime, endpoint: {ENDPOINT}, target_variant: x",
            "mend `invoke.target_variant`",
        ),
        (f"mode: realtime, endpoint: {ENDPOINT}, target_container: x", "`invoke.target_container`"),
        (
            f"mode: realtime, endpoint: {ENDPOINT}, inference_component: x",
            "`invoke.inference_component`",
        ),
        ("mode: realtime, endpoint: types-multi-model", "add `invoke.target_model`"),
        ("mode: realtime, endpoint: types-multi-model, target_model: x", "`invoke.target_model`"),
        ("mode: realtime, endpoint: types-multi-container", "add `invoke.target_container`"),
        (
            "mode: realtime, endpoint: types-multi-container, target_container: x",
            "`invoke.target_container`",
        ),
        ("mode: realtime, endpoint: types-components", "add `invoke.inference_component`"),
        (
            "mode: realtime, endpoint: types-components, inference_component: x",
            "`invoke.inference_component`",
        ),
        ("mode: realtime, endpoint: nobody", "`invoke.endpoint`"),
    ],
)
def test_a_target_that_doesnt_suit_the_endpoint_is_told_after_the_first_chunks(
    echo: Stack, endpoint: Stack, invoke: str, says: str
) -> None:
    del endpoint
    echo.configure("unsuited", f"invoke: {{{invoke}}}\nchunk: {{max_records: 1}}\n")

    delivered = echo.run("unsuited/numbers.csv", b"1\n" * 300)

    assert delivered.manifest["status"] == "FAILED"
    assert says in delivered.manifest["failure"]["message"]
    # Those that had been sent before the first answer was known.
    assert delivered.manifest["attempts"] < 300


def test_a_request_above_an_endpoints_limit_is_halved_until_it_fits(endpoint: Stack) -> None:
    """The endpoint takes 6 MiB; a pipeline that thinks of 25 MB finds out."""
    many = f"invoke: {{mode: realtime, endpoint: {ENDPOINT}, max_payload: 25MB}}\n"
    endpoint.configure("wide", many + "chunk: {max_records: 10000, max_bytes: 16MiB}\n")
    rows = [",".join(["1"] * 5000) for _ in range(800)]

    delivered = endpoint.run("wide/numbers.csv", "\n".join(rows).encode())

    assert delivered.lines == ["5000"] * 800
