"""Where SageMaker says that an object lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import PermanentError
from penstock.domain.locations import parse_location


@pytest.mark.parametrize(
    ("location", "bucket", "key"),
    [
        ("s3://work/async/output/1.out", "work", "async/output/1.out"),
        ("s3://work/a b+c%20?d#e.out", "work", "a b+c%20?d#e.out"),
        ("https://work.s3.eu-west-2.amazonaws.com/a/b.out", "work", "a/b.out"),
        ("https://work.s3.amazonaws.com/a%20b.out", "work", "a b.out"),
        ("https://my.work.s3-us-west-2.amazonaws.com/b.out", "my.work", "b.out"),
        ("https://work.s3.cn-north-1.amazonaws.com.cn/b.out", "work", "b.out"),
        ("https://s3.eu-west-2.amazonaws.com/work/a/b.out", "work", "a/b.out"),
    ],
)
def test_each_spelling_of_a_location_is_read(location: str, bucket: str, key: str) -> None:
    assert parse_location(location) == (bucket, key)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_key_in_an_s3_location_is_read_verbatim(key: str) -> None:
    assert parse_location(f"s3://work/{key}") == ("work", key)


@pytest.mark.parametrize(
    "location",
    ["", "work/a.out", "https://example.com/a.out", "s3:///a.out", "ftp://work/a", "https://[x"],
)
def test_what_is_no_location_is_refused(location: str) -> None:
    with pytest.raises(PermanentError) as caught:
        parse_location(location)

    assert caught.value.code == "BadLocation"
