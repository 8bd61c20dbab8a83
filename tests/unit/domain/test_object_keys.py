"""What the names of objects mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.object_keys import (
    MAXIMUM_KEY_BYTES,
    check_input_key,
    meaning_of,
    output_keys,
    pipeline_candidates,
    pipeline_name,
)


@pytest.mark.parametrize(
    ("key", "size", "meaning"),
    [
        ("a.csv", 1, "input"),
        ("in/a.csv", 0, "input"),
        ("in/_pipeline.yaml", 10, "pipeline"),
        ("_pipeline.yaml", 10, "pipeline"),
        ("in/my_pipeline.yaml", 10, "input"),
        ("in/_pipeline.yml", 10, "ignored"),
        ("in/_SUCCESS", 0, "ignored"),
        ("in/.hidden", 3, "ignored"),
        ("in/", 0, "ignored"),
        ("in/", 5, "input"),
        ("_dir/a.csv", 1, "input"),
    ],
)
def test_a_key_tells_what_its_object_asks_for(key: str, size: int, meaning: str) -> None:
    assert meaning_of(key, size) == meaning


@pytest.mark.parametrize(
    ("key", "candidates"),
    [
        ("x.csv", ["_pipeline.yaml"]),
        ("a/b/x.csv", ["a/b/_pipeline.yaml", "a/_pipeline.yaml", "_pipeline.yaml"]),
        ("a//x.csv", ["a//_pipeline.yaml", "a/_pipeline.yaml", "_pipeline.yaml"]),
        ("/x.csv", ["/_pipeline.yaml", "_pipeline.yaml"]),
    ],
)
def test_pipeline_files_are_looked_for_up_the_prefixes(key: str, candidates: list[str]) -> None:
    assert list(pipeline_candidates(key)) == candidates


@given(st.text(max_size=50))
def test_the_nearest_pipeline_file_lies_beside_the_object(key: str) -> None:
    candidates = list(pipeline_candidates(key))

    assert candidates[0].rpartition("/")[0] == key.rpartition("/")[0]
    assert candidates[-1] == "_pipeline.yaml"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/b/_pipeline.yaml", "a/b"),
        ("_pipeline.yaml", "default"),
        ("stack parameters", "stack parameters"),
    ],
)
def test_a_pipeline_is_called_by_its_prefix(source: str, name: str) -> None:
    assert pipeline_name(source) == name


@pytest.mark.parametrize("suffix", [".out", ".errors.jsonl", ".manifest.json"])
def test_a_name_that_an_output_could_have_is_refused_with_a_remedy(suffix: str) -> None:
    with pytest.raises(PermanentError, match=r"rename the file, for example to x\.csv") as caught:
        check_input_key(f"in/x.csv{suffix}")

    assert caught.value.code == "OutputNameCollision"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_a_key_that_is_taken_has_room_for_its_outputs(key: str) -> None:
    try:
        check_input_key(key)
    except PermanentError:
        return

    outputs = output_keys(key)
    for name in (outputs.predictions, outputs.errors, outputs.manifest):
        assert len(name.encode()) <= MAXIMUM_KEY_BYTES


def test_the_longest_key_that_has_room_is_taken() -> None:
    room = MAXIMUM_KEY_BYTES - len(".manifest.json")

    check_input_key("x" * room)
    with pytest.raises(PermanentError, match="1 bytes too long") as caught:
        check_input_key("x" * (room + 1))
    assert caught.value.code == "KeyTooLong"
