"""Reading `_pipeline.yaml`: the pipeline, or file, line and remedy."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.invoke import Invoke
from penstock.domain.pipeline import ChunkSize, Input, Output, Pipeline
from penstock.domain.retry import RetryPolicy
from penstock.pipeline_file import MAXIMUM_FILE, InvalidPipelineError, load_pipeline

FILE = "in/_pipeline.yaml"
MIB = 1024**2


def problems(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(InvalidPipelineError) as caught:
        load_pipeline(text, FILE)
    assert caught.value.code == "InvalidPipeline"
    assert all(problem.startswith(FILE + ", line ") for problem in caught.value.problems)
    return caught.value.problems


def test_only_the_endpoint_has_to_be_given() -> None:
    assert load_pipeline("invoke: {endpoint: demo}", FILE) == Pipeline(Invoke("demo"), source=FILE)


def test_every_field_is_read() -> None:
    text = """
invoke:
  mode: async
  endpoint: churn-xgb
  content_type: text/csv; header=present
  accept: application/json
  custom_attributes: tier=gold
  timeout: 15m
  queue_timeout: 1h
input:
  format: csv
  header: true
  delimiter: "\\t"
chunk:
  max_records: 10
  max_bytes: 1MiB
output:
  on_error: omit
  select: predictions[*]
  join: input
retry:
  initial_interval: 500ms
  backoff_coefficient: 1.5
  maximum_interval: 10m
  maximum_attempts: 3
  non_retryable_errors: [ModelError]
deadline: 2h
tolerated_failure_percentage: 0.5
"""
    assert load_pipeline(text, FILE) == Pipeline(
        invoke=Invoke(
            endpoint="churn-xgb",
            content_type="text/csv; header=present",
            accept="application/json",
            custom_attributes="tier=gold",
            timeout=900,
            queue_timeout=3600,
        ),
        source=FILE,
        input=Input("csv", "drop", "\t"),
        chunk=ChunkSize(10, MIB),
        output=Output("omit", "predictions[*]", "input"),
        retry=RetryPolicy(0.5, 1.5, 600, 3, ("ModelError",)),
        deadline=7200,
        tolerated_failure_percentage=0.5,
    )


@pytest.mark.parametrize(
    ("header", "meaning"), [("false", "absent"), ("true", "drop"), ("send", "send")]
)
def test_a_header_is_absent_dropped_or_sent(header: str, meaning: str) -> None:
    text = f"invoke: {{endpoint: demo}}\ninput: {{header: {header}}}"

    assert load_pipeline(text, FILE).input.header == meaning


def test_an_empty_text_is_as_good_as_none() -> None:
    text = """
invoke: {endpoint: demo, content_type: "", accept: ""}
input: {format: ""}
output: {select: ""}
"""
    assert load_pipeline(text, FILE) == Pipeline(Invoke("demo"), source=FILE)


def test_bytes_with_a_byte_order_mark_are_read() -> None:
    text = "\ufeffinvoke: {endpoint: demo, custom_attributes: 'x'}\n".encode()

    assert load_pipeline(text, FILE).invoke.endpoint == "demo"


SOUND = "invoke:\n  endpoint: demo\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file must hold keys"),
        ("# nothing\n", 1, "the file must hold keys"),
        ("- a\n- b\n", 1, "the file must hold keys"),
        ("just words", 1, "the file must hold keys"),
        ("invoke: [1,\n", 2, "expected"),
        ("invoke:\n\tendpoint: x\n", 2, "a tab cannot indent; use spaces"),
        ("a: b: c\n", 1, "a colon cannot stand here; quote the value"),
        ("---\na: 1\n---\nb: 2\n", 3, "a second document begins here"),
        ("chunk: {}\n", 1, "`invoke` is missing; add it"),
        ("\n\ninvoke:\n  mode: async\n", 3, "`invoke.endpoint` is missing; add it"),
        (SOUND + "chunk:\n  max_record: 3\n", 4, "unknown key `chunk.max_record`"),
        (SOUND + "chunks: {}\n", 3, "unknown key `chunks`"),
        (SOUND + "chunk:\n  max_records: 0\n", 4, "greater than or equal to 1"),
        (SOUND + "chunk:\n  max_records: 10001\n", 4, "less than or equal to 10000"),
        (SOUND + 'chunk:\n  max_records: "3"\n', 4, "valid integer"),
        (SOUND + "chunk:\n  max_records: true\n", 4, "valid integer"),
        (SOUND + "chunk:\n  max_records: 1.5\n", 4, "valid integer"),
        (SOUND + "chunk:\n  max_bytes: 4XB\n", 4, "is not a size; write for example"),
        (SOUND + "chunk:\n  max_bytes: 33MiB\n", 4, "less than or equal to"),
        (SOUND + f"chunk:\n  max_bytes: '{'9' * 400}'\n", 4, "is not a number"),
        (SOUND + "  timeout: 2h\n", 3, "less than or equal to 3600"),
        (SOUND + "  timeout: soon\n", 3, "is not a number with a unit"),
        (SOUND + "  timeout: 0\n", 3, "greater than or equal to 1"),
        (SOUND + "  mode: batch\n", 3, "it must be async, realtime, transform or auto"),
        ("invoke:\n  endpoint: under_score\n", 2, "`invoke.endpoint` is 'under_score'"),
        ("invoke:\n  endpoint: " + "x" * 64 + "\n", 2, "at most 63"),
        ("invoke:\n  endpoint: 2026-01-01\n", 2, "valid string"),
        ("invoke:\n  endpoint: 123\n", 2, "valid string"),
        (SOUND + "  content_type: söme\n", 3, "`invoke.content_type`"),
        (SOUND + "input:\n  header: maybe\n", 4, "`input.header` is 'maybe'"),
        (SOUND + "input:\n  format: xlsx\n", 4, "csv, jsonl or text"),
        (SOUND + "input:\n  delimiter: ';;'\n", 4, "`input.delimiter`"),
        (SOUND + "input:\n  delimiter: '\"'\n", 4, "`input.delimiter`"),
        (SOUND + "output:\n  on_error: ignore\n", 4, "inline, omit or fail"),
        (SOUND + "output:\n  select: 'a['\n", 4, "is not JMESPath"),
        (SOUND + "retry:\n  maximum_interval: 20m\n", 4, "less than or equal to 900"),
        (SOUND + "retry:\n  maximum_attempts: 0\n", 4, "greater than or equal to 1"),
        (SOUND + "deadline: 30s\n", 3, "greater than or equal to 60"),
        (SOUND + "deadline: .inf\n", 3, "`deadline`"),
        (SOUND + "deadline: .nan\n", 3, "`deadline`"),
        (SOUND + "tolerated_failure_percentage: 101\n", 3, "less than or equal to 100"),
        (SOUND + "tolerated_failure_percentage: .nan\n", 3, "`tolerated_failure_percentage`"),
        (SOUND + "chunk: 7\n", 3, "`chunk` must hold keys"),
        (SOUND + "chunk:\n", 3, "`chunk` has no value; give it one or remove it"),
        (SOUND + "invoke: {endpoint: x}\n", 3, "`invoke` stands here a second time"),
        (SOUND + "  endpoint: other\n", 3, "`endpoint` stands here a second time"),
        (SOUND + "? [a, b]\n: c\n", 3, "a key must be a word"),
        ("invoke: &a {endpoint: x}\noutput: *a\n", 2, "aliases (*name) are not allowed"),
        (
            "invoke: {endpoint: !!python/object:os.system x}\n",
            1,
            "could not determine a constructor",
        ),
        (b"\xff\xfe\x00", 1, ""),
        (b"invoke: \xff\n", 1, ""),
        ("invoke: \x00\n", 1, "the character U+0000 is not allowed; remove it"),
        ("#" * (MAXIMUM_FILE + 1), 1, f"longer than {MAXIMUM_FILE} bytes"),
        ("[" * 30_000, 1, "nested too deeply"),
        ("a: " * 3, 1, "a colon cannot stand here"),
        ("{a: " * 10_000, 1, "nested too deeply"),
    ],
)
def test_a_bad_file_is_refused_with_the_line_and_the_reason(
    text: str | bytes, line: int, words: str
) -> None:
    found = problems(text)

    assert any(f", line {line}" in problem and words in problem for problem in found), found


def test_a_bomb_of_aliases_is_refused_before_it_goes_off() -> None:
    levels = ["a0: &a0 [x, x]"]
    levels += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]

    (problem,) = problems("\n".join(levels))

    assert "line 2: aliases" in problem


def test_all_problems_are_told_at_once() -> None:
    found = problems("invoke:\n  endpint: x\nchunk:\n  max_records: 0\n  max_bytes: 4XB\n")

    assert len(found) == 4


def test_a_message_has_one_line() -> None:
    for text in (SOUND + "output: {select: 'a['}\n", "invoke: \x00", "a: b: c", "{a: [b"):
        assert all("\n" not in problem for problem in problems(text))


def is_read_or_refused(text: str | bytes) -> None:
    with suppress(InvalidPipelineError):
        assert isinstance(load_pipeline(text, FILE), Pipeline)


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_any_file_is_read_or_refused(text: str | bytes) -> None:
    is_read_or_refused(text)


PIECES = st.sampled_from(
    (
        *("invoke", "endpoint", "chunk", "max_bytes", ": ", ": ", "\n", "\n  ", "- ", "{", "}"),
        *("demo", "7", "4MiB", "null", "~", "? ", "&a ", "*a", "!!set ", "<<", "'", '"', "|", ">"),
        *("[", "]", "%"),
    )
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_anything_like_a_pipeline_file_is_read_or_refused(text: str) -> None:
    is_read_or_refused(text)
