"""Pipeline files that are wrong, wherever the user meets it.

In a message on the failure topic when the file is uploaded; in the manifest of each file that is
dropped under it, with the code `InvalidPipeline`; and on stderr of `penstock validate`, with exit
code 1. Everywhere the same sentence: file, line, remedy.
"""

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

from penstock_cli.main import main
from tests.unit.use_cases.world import World as Functions

FILE = "in/_pipeline.yaml"
SOUND = "invoke:\n  endpoint: demo\n"
REALTIME = SOUND + "  mode: realtime\n"
BY_NAME = REALTIME + "  target_model: '{model}'\n"
BOMB = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]

CASES: dict[str, tuple[str | bytes, str]] = {
    # files
    "an empty file": ("", "line 1: the file must hold keys such as `invoke:`"),
    "a page of a web server": ("<html>404</html>", "line 1: the file must hold keys"),
    "a compressed file": (
        gzip.compress(SOUND.encode()),
        "line 1: byte 1 is not UTF-8; save the file as UTF-8",
    ),
    "a file in Latin-1": (
        SOUND.encode() + b"# caf\xe9\n",
        "line 3: byte 30 is not UTF-8; save the file as UTF-8",
    ),
    "a control character": (
        SOUND + "# \x07\n",
        "line 3: the character U+0007 is not allowed; remove it",
    ),
    "a file that is too long": (
        SOUND + "#" * 65536,
        "line 1: the file is longer than 65536 bytes; shorten it",
    ),
    # YAML
    "a bracket that is never closed": ("invoke: [\n", "line 2, column 1: expected the node"),
    "a tab that indents": (
        "invoke:\n\tendpoint: x\n",
        "line 2, column 1: a tab cannot indent; use spaces",
    ),
    "two documents": (
        SOUND + "---\n" + SOUND,
        "line 3, column 1: a second document begins here; a pipeline file has one",
    ),
    "an alias": (
        "invoke: &a {endpoint: x}\ninput: *a\n",
        "line 2: aliases (*name) are not allowed; write the value out",
    ),
    "a bomb of aliases": ("\n".join(BOMB), "line 2: aliases (*name) are not allowed"),
    "an alias of itself": ("a: &a [*a]\n", "line 1: aliases (*name) are not allowed"),
    "a list thirty thousand deep": (
        "invoke: " + "[" * 30_000,
        "line 1: nested too deeply; no key needs more than two levels",
    ),
    "a Python object": (
        "invoke: {endpoint: !!python/object/apply:os.system [ls]}\n",
        "could not determine a constructor for the tag",
    ),
    "an escaped half of a surrogate pair": (
        'invoke: {endpoint: "\\ud800"}\n',
        "line 1: '\\ud800' has half a character; write the whole one",
    ),
    "a day that the calendar lacks": (
        SOUND + "deadline: 2026-02-30\n",
        "line 3: '2026-02-30' is no timestamp; quote it or mend it",
    ),
    "a number of five thousand digits": (
        SOUND + "chunk:\n  max_records: " + "9" * 5000 + "\n",
        "line 4: '" + "9" * 80 + "...' is no int; quote it or mend it",
    ),
    "a time of twenty thousand parts": (
        SOUND + "deadline: 1" + ":59" * 20_000,
        "is too large a number; mend it",
    ),
    # keys
    "a key twice": (
        SOUND + "invoke: {}\n",
        "line 3: `invoke` stands here a second time; remove it",
    ),
    "a key that is a list": (
        SOUND + "? [a]\n: b\n",
        "line 3: a key must be a word, as in `invoke:`",
    ),
    "a key that is a number": (
        SOUND + "1: 2\n",
        "line 3: `1` is no key of a pipeline file; remove it",
    ),
    "a key with a spelling mistake": (
        SOUND + "chunk:\n  max_record: 5\n",
        "line 4: unknown key `chunk.max_record`; remove it or mend its spelling",
    ),
    "a key that would colour a terminal": (
        SOUND + '"\\e[31mred": 1\n',
        "line 3: unknown key `\\x1b[31mred`; remove it or mend its spelling",
    ),
    "five thousand keys that there are not": (
        SOUND + "".join(f"key{number}: 1\n" for number in range(5000)),
        "line 1: 4980 more problems are not shown; mend these first",
    ),
    "no endpoint": ("chunk: {}\n", "line 1: `invoke` is missing; add it"),
    "a key without a value": (
        SOUND + "deadline:\n",
        "line 3: `deadline` has no value; give it one or remove it",
    ),
    "a value where keys belong": (SOUND + "chunk: 7\n", "line 3: `chunk` must hold keys"),
    # values
    "a number in quotes": (
        SOUND + "chunk:\n  max_records: '5'\n",
        "line 4: `chunk.max_records` is '5': Input should be a valid integer",
    ),
    "too many records": (
        SOUND + "chunk: {max_records: 10001}\n",
        "line 3: `chunk.max_records` is 10001: Input should be less than or equal to 10000",
    ),
    "a duration without a unit that there is": (
        SOUND + "deadline: 6 hours\n",
        "line 3: `deadline` is '6 hours': '6 hours' is not a duration; write for example 30s, 15m",
    ),
    "a deadline of eight days": (
        SOUND + "deadline: 8d\n",
        "line 3: `deadline` is 691200.0: Input should be less than or equal to 604800",
    ),
    "a mode that there is not": (
        SOUND + "  mode: batch\n",
        "line 3: `invoke.mode` is 'batch'; it must be",
    ),
    "the ARN of an endpoint": (
        "invoke: {endpoint: 'arn:aws:sagemaker:eu-west-1:1:endpoint/x'}\n",
        "it must be: name of a SageMaker endpoint: letters, digits and hyphens, at most 63",
    ),
    "an endpoint above this one": (
        "invoke: {endpoint: ../other}\n",
        "line 1: `invoke.endpoint` is '../other': it must be: name of a SageMaker endpoint",
    ),
    "an endpoint and a line break": (
        'invoke: {endpoint: "demo\\n"}\n',
        "line 1: `invoke.endpoint` is 'demo\\n': it must be: name of a SageMaker endpoint",
    ),
    "a header of a request in a content type": (
        SOUND + '  content_type: "text/csv\\r\\nX-Amz-Target: evil"\n',
        "line 3: `invoke.content_type` is 'text/csv\\r\\nX-Amz-Target: evil': it must be",
    ),
    "error codes that are no list": (
        SOUND + "retry: {non_retryable_errors: ModelError}\n",
        "line 3: `retry.non_retryable_errors` must be a list, as in [ModelError]",
    ),
    # modes and their targets
    "an accelerator of Elastic Inference": (
        SOUND + "  accelerator_type: ml.eia2.medium\n",
        (
            "line 3: Elastic Inference is retired and no accelerator can be attached any more; use "
            "an endpoint on Inferentia instances (ml.inf2) or with inference components"
        ),
    ),
    "a model of an asynchronous endpoint": (
        SOUND + "  target_model: a.tar.gz\n",
        (
            "line 3: `invoke.target_model` is for mode: realtime, and this is async; an "
            "asynchronous request cannot name a part of its endpoint"
        ),
    ),
    "a component of an asynchronous endpoint": (
        SOUND + "  inference_component: a\n",
        "line 3: `invoke.inference_component` is for mode: realtime",
    ),
    "a limit of requests that go through S3": (
        SOUND + "  max_payload: 10MB\n",
        "line 3: `invoke.max_payload` is for mode: realtime",
    ),
    "a request of more than SageMaker takes": (
        REALTIME + "  max_payload: 26MB\n",
        "line 4: `invoke.max_payload` is 26000000: with mode: realtime it is between 1KiB and 25MB",
    ),
    "five minutes in real time": (
        REALTIME + "  timeout: 5m\n",
        (
            "line 4: `invoke.timeout` is 300s: a realtime invocation ends after 60s; shorten it, "
            "or use an asynchronous endpoint with mode: async"
        ),
    ),
    "a queue in real time": (
        REALTIME + "  queue_timeout: 5m\n",
        "line 4: `invoke.queue_timeout` is for mode: async, and this is realtime",
    ),
    "a model and a container": (
        REALTIME + "  target_model: a\n  target_container: b\n",
        (
            "line 4: `invoke.target_model` cannot stand beside `invoke.target_container`: no "
            "endpoint has both; remove one"
        ),
    ),
    "a model that nothing names": (
        REALTIME + "  target_model: '{model}.tar.gz'\n",
        (
            "line 4: `invoke.target_model` has {model}; say what it stands for with "
            "`input.key_pattern` or `input.model_field`"
        ),
    ),
    "a name for no model": (
        REALTIME + "input: {model_field: shop}\n",
        "line 4: `input.model_field` is of no use without {model} in `invoke.target_model`",
    ),
    "two names for one model": (
        BY_NAME + "input: {model_field: shop, key_pattern: '{model}/*'}\n",
        "line 5: `input.model_field` cannot stand beside `input.key_pattern`",
    ),
    "a pattern without a model": (
        BY_NAME + "input: {key_pattern: '*/*'}\n",
        "line 5: `input.key_pattern` is '*/*': it must be: path below this prefix with {model}",
    ),
    "a field of lines of text": (
        BY_NAME + "input: {model_field: shop, format: text}\n",
        "line 5: `input.model_field` is for csv and jsonl: a text record has no fields",
    ),
    "the name of a column without a header": (
        BY_NAME + "input: {model_field: shop, format: csv}\n",
        "line 5: `input.model_field` is a column's name, and header: false; set `input.header`",
    ),
    "a number for a key of JSON": (
        BY_NAME + "input: {model_field: 3, format: jsonl}\n",
        "line 5: `input.model_field` is a number: JSON records have keys; name one",
    ),
    # output.select
    "a selection that is no JMESPath": (
        SOUND + "output: {select: 'a['}\n",
        "line 3: `output.select` is 'a[' is not JMESPath",
    ),
    "a selection by a function that there is not": (
        SOUND + "output: {select: 'first(@)'}\n",
        "line 3: `output.select` is 'first(@)': there is no function first()",
    ),
    "a selection with too few arguments": (
        SOUND + "output: {select: 'sort_by(@)'}\n",
        "sort_by() takes 2 arguments, not 1",
    ),
    "a selection of every nothingth element": (
        SOUND + "output: {select: '[::0]'}\n",
        "the step of a slice cannot be 0",
    ),
    "a selection of a function": (
        SOUND + "output: {select: '[&a]'}\n",
        "& may only stand before an argument of a function",
    ),
    "a selection nested too deeply": (
        SOUND + "output: {select: '" + "(" * 499 + "a" + ")" * 499 + "'}\n",
        "is nested too deeply",
    ),
    "a selection that is too long": (
        SOUND + "output: {select: '" + "a." * 600 + "a'}\n",
        "String should have at most 1000 characters",
    ),
    "a selection that doubles the answer thirty times": (
        SOUND + "output: {select: '" + " | ".join(["[@, @]"] * 30) + "'}\n",
        "it repeats parts of the answer too many times; select each once",
    ),
}


@pytest.mark.parametrize(("text", "says"), CASES.values(), ids=CASES)
def test_a_bad_pipeline_file_is_told_in_the_same_words_wherever_it_is_met(
    text: str | bytes, says: str, tmp_path: Path
) -> None:
    body = text.encode() if isinstance(text, str) else text
    functions = Functions()
    functions.drop(FILE, body)
    functions.drop("in/rows.csv", b"1\n")
    functions.run()
    path = tmp_path / "_pipeline.yaml"
    path.write_bytes(body)

    result = CliRunner().invoke(main, ["validate", str(path)])

    (report,) = functions.announcer.bad_pipelines
    assert report["file"] == f"s3://input/{FILE}"
    assert any(says in problem for problem in report["problems"]), report["problems"]
    failure = functions.manifest("in/rows.csv")["failure"]
    assert failure == {"code": "InvalidPipeline", "message": "; ".join(report["problems"])}
    assert all(problem.startswith(f"{FILE}, line ") for problem in report["problems"])
    assert (result.exit_code, result.stdout) == (1, "")
    words = [problem.removeprefix(FILE) for problem in report["problems"]]
    assert result.stderr.splitlines() == [str(path) + each for each in words]
    assert len(failure["message"].encode()) < 20_000
    assert functions.dead_letters == []
