"""Names that are derived, never drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.identity import ChunkPath, InferenceId, job_id_of

JOB_IDS = st.text("0123456789abcdef", min_size=20, max_size=20)
PATHS = st.builds(
    ChunkPath,
    st.integers(0, 99_999),
    st.integers(0, 9_999),
    st.text("01", max_size=14),
)
INFERENCE_IDS = st.builds(
    InferenceId,
    JOB_IDS,
    PATHS,
    st.integers(1, 100),
    st.integers(1, 10_000),
    st.integers(1, 256),
)


@given(INFERENCE_IDS)
def test_an_inference_id_comes_back_from_its_text(inference_id: InferenceId) -> None:
    assert InferenceId.parse(str(inference_id)) == inference_id


@given(INFERENCE_IDS)
def test_an_inference_id_is_one_that_sagemaker_takes(inference_id: InferenceId) -> None:
    text = str(inference_id)

    assert 1 <= len(text) <= 64
    assert text.isascii()
    assert text.isprintable()
    assert not text[0].isspace()


@given(st.lists(PATHS, max_size=20))
def test_the_text_of_a_path_orders_as_the_path(paths: list[ChunkPath]) -> None:
    assert [str(path) for path in sorted(paths)] == sorted(str(path) for path in paths)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "1f9679f3-0000-4000-8000-000000000000",
        "0123456789abcdef0123:00000.0000:1:1",
        "0123456789ABCDEF0123:00000.0000:1:1:1",
        "0123456789abcdef0123:00000.0000.2:1:1:1",
        "0123456789abcdef0123:00000.0000:1:1:1\n",
        "0123456789abcdef0123:00000.0000:\u0661:1:1",
        " 0123456789abcdef0123:00000.0000:1:1:1",
    ],
)
def test_the_inference_of_somebody_else_is_told_apart(text: str) -> None:
    with pytest.raises(PermanentError) as caught:
        InferenceId.parse(text)

    assert caught.value.code == "ForeignInference"


def test_a_job_id_is_always_the_same() -> None:
    assert job_id_of("input", "a/b.csv", "v1") == "7e17d0a2cf674598c278"


def test_job_ids_differ_in_bucket_key_and_revision() -> None:
    ids = {
        job_id_of(bucket, key, revision)
        for bucket in ("a", "ab")
        for key in ("c", "bc", "\ud800")
        for revision in ("1", "")
    }

    assert len(ids) == 12
