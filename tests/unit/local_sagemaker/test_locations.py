import pytest

from penstock_local.sagemaker.locations import Location, join, parse


@pytest.mark.parametrize(
    ("url", "bucket", "key"),
    [
        ("s3://b/k", "b", "k"),
        ("s3://b/a/b c?d#e%20", "b", "a/b c?d#e%20"),
        ("s3://b", "b", ""),
        ("https://b.s3.eu-west-2.amazonaws.com/a/b%20c", "b", "a/b c"),
        ("https://b.c.s3.amazonaws.com/k", "b.c", "k"),
        ("https://s3.eu-west-2.amazonaws.com/b/a/k", "b", "a/k"),
    ],
)
def test_all_forms_of_a_location_are_read(url: str, bucket: str, key: str):
    assert parse(url) == Location(bucket, key)


@pytest.mark.parametrize("url", ["ftp://b/k", "b/k", "https://"])
def test_what_is_no_location_is_an_error(url: str):
    with pytest.raises(ValueError, match="no S3 location"):
        parse(url)


def test_locations_are_joined_with_one_slash_and_in_their_scheme():
    assert join("s3://b/out/", "/job/7/", "f(1).out") == "s3://b/out/job/7/f(1).out"
    assert join("s3://b/out", None, "f.out") == "s3://b/out/f.out"
    assert parse(join("https://b.s3.amazonaws.com/out", "f(1).out")).key == "out/f(1).out"
