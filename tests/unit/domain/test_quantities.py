"""Durations and sizes as people write them."""

import pytest

from penstock.domain.quantities import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("2s", 2),
        ("15m", 900),
        ("1.5h", 5400),
        ("1d", 86400),
        (" 6 h ", 21600),
        ("90", 90),
        (90, 90),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_read(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4MiB", 4 * 1024**2),
        ("4mib", 4 * 1024**2),
        ("100KB", 100_000),
        ("64 KiB", 65536),
        ("1.5GB", 1_500_000_000),
        ("2GiB", 2 * 1024**3),
        ("7B", 7),
        ("7", 7),
        (7, 7),
    ],
)
def test_a_size_is_read(text: str | float, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "m", "-1s", "1 2s", "1e3s", "15M", "15min", "4MiB", "nan", "inf", "9" * 400, "1s\n2s"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "MiB", "-1", "4XB", "4s", "nan", "9" * 400, "1e400"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_size(text)
