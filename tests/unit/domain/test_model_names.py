"""Which model a key or a record names."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.invoke import Invoke, Target
from penstock.domain.mixed_results import Refusal, from_lines, to_lines
from penstock.domain.model_names import CsvField, JsonField, column_of, for_key, named
from penstock.domain.pipeline import Input, Pipeline

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


def pipeline_of(pattern: str, source: str = "in/_pipeline.yaml") -> Pipeline:
    target = Target(model="{model}.tar.gz")
    invoke = Invoke("many", mode="realtime", target=target)
    return Pipeline(invoke, source, Input(key_pattern=pattern))


def model_of(pattern: str, key: str, source: str = "in/_pipeline.yaml") -> str | None:
    return for_key(pipeline_of(pattern, source), key).invoke.target.model


@pytest.mark.parametrize(
    ("pattern", "key", "model"),
    [
        ("{model}/*", "in/rome/june.csv", "rome.tar.gz"),
        ("{model}/*/*.csv", "in/rome/2026/june.csv", "rome.tar.gz"),
        ("**/{model}.csv", "in/a/b/rome.csv", "rome.tar.gz"),
        ("sales-{model}-*.csv", "in/sales-rome-june.csv", "rome.tar.gz"),
        ("{model}.csv", "in/a.b.csv", "a.b.tar.gz"),
    ],
)
def test_a_pattern_finds_the_name_below_the_pipelines_prefix(
    pattern: str, key: str, model: str
) -> None:
    assert model_of(pattern, key) == model


def test_the_patterns_of_a_pipeline_at_the_top_are_of_whole_keys() -> None:
    assert model_of("{model}/*", "rome/june.csv", "_pipeline.yaml") == "rome.tar.gz"


@pytest.mark.parametrize("key", ["in/june.csv", "in/a/b/c.csv", "elsewhere/a/b.csv"])
def test_a_key_that_doesnt_fit_is_refused_with_the_pattern(key: str) -> None:
    with pytest.raises(PermanentError, match=r"NoModelName: the key .* in/\{model\}/"):
        model_of("{model}/*", key)


@pytest.mark.parametrize("name", ["..", "", "a/../b", "/a", "a//b", "é", "a\nb", " a", "x" * 1025])
def test_what_can_be_no_name_of_a_model_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="BadModelName"):
        named("{model}", name)


def test_a_name_may_have_folders() -> None:
    assert named("v2/{model}.tar.gz", "north/rome") == "v2/north/rome.tar.gz"


@given(st.dictionaries(CELLS, st.none() | st.integers() | CELLS | st.lists(CELLS), max_size=4))
def test_the_members_that_are_left_are_those_that_were_there(rest: dict[str, object]) -> None:
    rest.pop("model", None)
    whole = json.dumps({**rest, "model": "rome"}, indent=1).encode()

    name, sent = JsonField("model", sent=False).take(whole)

    assert name == "rome"
    assert json.loads(sent) == rest


def test_a_number_may_name_a_model_and_nothing_may_not() -> None:
    field = JsonField("model", sent=True)

    assert field.take(b'{"model": 7}')[0] == "7"
    for record in (b'{"model": ""}', b'{"model": null}', b'{"model": true}', b"{}", b"[]", b"7"):
        with pytest.raises(PermanentError, match="NoModelName: the record names no model"):
            field.take(record)


@given(st.lists(CELLS, min_size=1, max_size=4), st.integers(0, 4), st.sampled_from(",;\t"))
def test_the_other_cells_stay_as_they_are(cells: list[str], column: int, delimiter: str) -> None:
    column = min(column, len(cells))
    row = [*cells[:column], "rome", *cells[column:]]

    name, sent = CsvField(column, delimiter, sent=False).take(_written(row, delimiter))

    assert name == "rome"
    text = io.StringIO(sent.decode(), newline="")
    assert next(csv.reader(text, delimiter=delimiter)) == cells


def _written(row: list[str], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerow(row)
    return text.getvalue().removesuffix("\r\n").encode()


def test_a_row_that_is_too_short_names_no_model() -> None:
    with pytest.raises(PermanentError, match="column 2"):
        CsvField(2, ",", sent=True).take(b"a,b")


def test_a_column_is_found_by_its_name() -> None:
    assert column_of("shop", ["id", "shop"]) == 1
    assert column_of(3, None) == 3
    with pytest.raises(PermanentError, match=r"no column 'shop'.* it has id, store"):
        column_of("shop", ["id", "store"])


@given(st.lists(st.binary(max_size=20) | st.builds(Refusal, CELLS, CELLS)))
def test_mixed_results_come_back_as_they_were(results: list[bytes | Refusal]) -> None:
    assert from_lines(to_lines(results)) == results
